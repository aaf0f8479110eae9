// The player of the flow view: its steps and sentences by a hand-worked example, the states between them, and the rows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Shares } from "../../gptviz/widgets/flow/credit.js";
import { nextRow, rowOf } from "../../gptviz/widgets/flow/play_facts.js";
import { BAND, ENTRY, PlayRows, piecesOf, reached } from "../../gptviz/widgets/flow/play_geometry.js";
import { between, eased, fullProgress, startState } from "../../gptviz/widgets/flow/play_state.js";
import { makeSteps } from "../../gptviz/widgets/flow/play_steps.js";
import { playCatalogue } from "../../gptviz/widgets/flow/play_words.js";
import { assertClose, FLOAT32, FLOAT64 } from "./close.mjs";
import { CARRIED, KEPT } from "./flow_example.mjs";

const token = (/** @type {number} */ id, /** @type {number} */ position = -1) => ({ id, text: `t${id}`, position });
const outcome = (/** @type {number} */ id, /** @type {number} */ before) => ({ token: token(id), before, after: null });
const DRAW = { token: token(8), probability: 0.25, number: 0.625, seed: 0 };
const NEXT = {
  token: token(8, 3),
  leaders: [outcome(9, 0.5), outcome(7, 0.375)],
  carried: [
    [0.125, 0.25, 0.0625, 0.0625],
    [0, 0.125, 0.5, 0.125],
  ],
  kept: [
    [0.25, 0.25, 0.75],
    [0.25, 0, 0.5],
  ],
};

/** @param {Partial<import("../../gptviz/widgets/flow/play_steps.js").Play>} changes */
function play(changes = {}) {
  return {
    shares: new Shares(2, 3, CARRIED, KEPT),
    tokens: [token(1, 0), token(2, 1), token(3, 2)],
    names: ["block 0", "block 1"],
    isPooled: [false, false],
    parallel: [false, false],
    kinds: /** @type {("held"|"missing"|"none")[]} */ (["held", "held"]),
    count: 3,
    width: 24,
    chosen: 2,
    outcomes: [outcome(7, 0.5), outcome(8, 0.25)],
    hasCuts: false,
    draw: DRAW,
    next: NEXT,
    problem: [],
    isCached: true,
    ...changes,
  };
}
const steps = (/** @type {any} */ changes = {}, /** @type {"en"|"zh"} */ language = "en") =>
  makeSteps(play(changes), playCatalogue[language].sentences);
/** What a sentence says beside its words: ids of tokens, and numbers. @param {any[]} sentence */
const facts = (sentence) =>
  sentence
    .filter((part) => typeof part !== "string")
    .map((part) => part.share ?? part.value ?? `${part.token.id}@${part.token.position}`);

test("the steps say this pass's own numbers, in order", () => {
  assert.deepEqual(
    steps().map(({ kind, column, sentence }) => [kind, column, ...facts(sentence)]),
    [
      ["embedding", -1],
      ["attention", 0, "3@2", "1@0", 0.5, 0.75],
      ["mlp", 0, 0.75, "3@2"],
      ["attention", 1, "3@2", "2@1", 0.25, 0.625],
      ["mlp", 1, 0.25, "3@2"],
      ["prediction", -1, "3@2", "7@-1", 0.5, "8@-1", 0.25],
      ["credit", 1, "3@2", 0.375, "3@2", "2@1", 0.25],
      // Token 1 gives 0.25 of its 0.25, token 2 gives 0.75 of its 0.625.
      ["credit", 0, 0.25 * 0.25 + 0.625 * 0.75, "3@2", "1@0", 0.3125],
      ["picture", -1, "3@2", "1@0", 0.5, "2@1", 0.34375],
      ["draw", -1, 0.625, "8@-1", 0.25],
      ["append", -1, "8@-1"],
      ["next", -1, "8@3"],
      ["again", 0, "8@3", "2@1", 0.25],
      ["again", 1, "8@3", "3@2", 0.5],
      ["more", -1, "8@3", "9@-1", 0.5, "7@-1", 0.375],
    ],
  );
});

test("both languages say the same numbers of the same tokens", () => {
  const cases = [
    {},
    { isCached: false },
    { hasCuts: true, parallel: [true, false], isPooled: [true, true] },
    { next: null, problem: ["why"] },
    { shares: new Shares(2, 3, CARRIED, KEPT, true) },
  ];
  for (const changes of cases) {
    const [en, zh] = /** @type {const} */ (["en", "zh"]).map((language) => steps(changes, language));
    assert.equal(en.length, zh.length);
    en.forEach((step, i) => {
      assert.deepEqual(facts(step.sentence).sort(), facts(zh[i].sentence).sort(), step.kind);
      assert.deepEqual(step.state, zh[i].state);
      const text = zh[i].sentence.filter((part) => typeof part === "string").join("");
      if (step.kind !== "stop") assert.match(text, /\p{Script=Han}/u);
    });
  }
});

test("each step's state goes on from the one before, and the next pass moves one row or all", () => {
  const all = steps();
  assert.deepEqual(
    all.slice(0, 6).map(({ state }) => [state.text, state.bars, state.forward]),
    [
      [1, 0, 1],
      [2, 0, 1],
      [3, 0, 1],
      [4, 0, 1],
      [5, 0, 1],
      [5, 1, 1],
    ],
  );
  assert.equal(all[4].state.text, fullProgress(2));
  assert.deepEqual(
    all.slice(6, 11).map(({ state }) => [state.forward, state.credit, state.marker, state.flight]),
    [
      [0, 1, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ],
  );
  for (const isCached of [true, false]) {
    const last = steps({ isCached }).slice(11);
    assert.deepEqual(
      last.map(({ state }) => state.next),
      [1, 3, 5, 5],
    );
    assert.deepEqual(
      last.map(({ state }) => state.text),
      isCached ? [5, 5, 5, 5] : [1, 3, 5, 5],
    );
    assert.deepEqual(
      last.map(({ state, shows }) => [state.bars, shows]),
      [0, 0, 0, 1].map((bars) => [bars, "next"]),
    );
  }
  assert.ok(all.every(({ move, rest }) => move > 0 && rest > 0));
});

test("without shares there is no credit, and without an answer no next pass", () => {
  const kinds = (/** @type {any} */ changes) => steps(changes).map(({ kind }) => kind);
  const forward = ["embedding", "attention", "mlp", "attention", "mlp", "prediction"];
  const weights = new Shares(2, 3, CARRIED, KEPT, true);
  assert.deepEqual(kinds({ shares: weights, draw: null, next: null }), forward);
  assert.deepEqual(facts(steps({ shares: weights })[2].sentence), [], "an MLP without a share");
  const [, missing, , none] = steps({ shares: weights, kinds: ["missing", "none"] });
  assert.match(String(missing.sentence), /does not keep its attention/);
  assert.match(String(none.sentence), /has no attention/);
  assert.deepEqual(kinds({ next: null, problem: ["no model"] }).slice(8), ["picture", "draw", "append", "stop"]);
});

test("a column without attention, and a text of one token, are said in words", () => {
  const nothing = new Shares(1, 3, new Float32Array(6), new Float32Array([1, 1, 1, 0, 0, 0, 0, 0, 0]));
  assert.deepEqual(facts(steps({ shares: nothing, names: ["block 0"], next: null })[1].sentence), ["3@2"]);
  const alone = new Shares(1, 1, new Float32Array([0.25]), new Float32Array([0.75, 0, 0.5]));
  const one = { shares: alone, names: ["block 0"], tokens: [token(1, 0)], count: 1, chosen: 0, next: null };
  assert.deepEqual(facts(steps(one)[1].sentence), ["1@0", 0.25]);
  assert.deepEqual(facts(steps(one)[4].sentence), ["1@0"], "no credit moves");
  assert.deepEqual(facts(steps(one)[5].sentence), ["1@0", "1@0", 1], "all of it comes from itself");
  const next = { ...NEXT, token: token(8, 1), carried: [[0.25, 0.25]], kept: [[0.5, 0, 0.5]] };
  for (const isCached of [true, false]) {
    const again = steps({ ...one, next, isCached }).find(({ kind }) => kind === "again");
    assert.match(String(again?.sentence), /the earlier (row is kept|one gets the same numbers)/);
  }
});

test("nothing runs backwards between two states, except credit and the fading pictures", () => {
  const start = startState(2);
  const end = { forward: 0, text: 5, next: 3, bars: 1, credit: 0, marker: 1, flight: 1 };
  assert.deepEqual(between(start, end, 0), start);
  assert.deepEqual(between(start, end, 1), end);
  const half = { forward: 0.5, text: 2.5, next: 1.5, bars: 0.5, credit: 1, marker: 0.5, flight: 0.5 };
  assert.deepEqual(between(start, end, 0.5), half);
  assert.deepEqual(between(end, start, 0.25), { ...start, forward: 0.25 });
  assert.deepEqual([0, 0.5, 1].map(eased), [0, 0.5, 1]);
});

test("a row is uncovered from its embedding to the end of the last column, attention before the MLP", () => {
  const edges = [0, 100, 350];
  assert.deepEqual(
    [0, 0.5, 1].map((progress) => reached(progress, edges)),
    [-ENTRY, -ENTRY / 2, 0],
  );
  assert.deepEqual(
    [3, 5].map((progress) => reached(progress, edges)),
    [100, 350],
  );
  assert.ok(reached(2, edges) > 50 && reached(2, edges) < 75);
  const positions = Array.from({ length: 51 }, (_, i) => reached(i / 10, edges));
  assert.ok(positions.every((x, i) => i === 0 || x > positions[i - 1]));
});

test("what arrives in a row fills its band, and every width is linear in its share", () => {
  const shares = new Shares(2, 3, CARRIED, KEPT);
  for (const scale of [1, 1.5]) {
    const rows = new PlayRows(3, scale);
    for (const start of [null, 0]) {
      for (const row of [rowOf(shares, 0), rowOf(shares, 2), nextRow(NEXT, 3)]) {
        const { rectangles, ribbons } = piecesOf(row, 0, [0, 120], rows, { start, areWeights: false });
        const stays = rectangles.filter(({ kind }) => kind === "stream" || kind === "bias");
        const sum = [...stays, ...ribbons].reduce((total, { share }) => total + Number(share), 0);
        assertClose(sum, 1, FLOAT32);
        for (const { share, height } of rectangles) assert.equal(height, Number(share) * BAND * scale);
        for (const { share, width } of ribbons) assert.equal(width, share * BAND * scale);
        const middles = rectangles.map(({ y, height }) => [y, y + height]);
        const [top, bottom] = [
          rows.middle(row.token) - (BAND * scale) / 2,
          rows.middle(row.token) + (BAND * scale) / 2,
        ];
        const slack = FLOAT64 * rows.height;
        assert.ok(middles.every(([y, end]) => y >= top - slack && end <= bottom + slack));
        assert.equal(
          ribbons.some(({ kind }) => kind === "rest"),
          start === 0,
        );
      }
    }
  }
});

test("a long text has rows for its last tokens, one line for the others, and room for the drawn token", () => {
  const rows = new PlayRows(40, 1);
  assert.ok(rows.first > 20 && rows.rowOf(3) === 0 && rows.rowOf(rows.first) === 1);
  assert.equal(rows.rowOf(40), rows.count - 1);
  assert.ok(rows.middle(40) < rows.height);
  const short = new PlayRows(3, 1);
  assert.deepEqual(
    [0, 2, 3].map((row) => short.rowOf(row)),
    [0, 2, 3],
  );
});

test("the rows of a played pass fit the room that there is, down to a little more than half of their height", () => {
  const whole = new PlayRows(15, 1.5);
  assertClose(new PlayRows(15, 1.5, 0.7 * whole.height).height, 0.7 * whole.height);
  assert.equal(new PlayRows(15, 1.5, 2 * whole.height).height, whole.height);
  const least = new PlayRows(15, 1.5, 1);
  assertClose(least.height, 0.55 * whole.height);
  assertClose(least.middle(14), 0.55 * whole.middle(14));
});
