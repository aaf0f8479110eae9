// The sentences of the flow view about what shares do not show.
import assert from "node:assert/strict";
import { test } from "node:test";
import { disagreement, lessonText, replacedText } from "../../gptviz/widgets/flow/lesson.js";
import { catalogue as words } from "../../gptviz/widgets/flow/words.js";

test("the two blocks that disagree most are named, and no others", () => {
  const cell = (/** @type {number} */ attention, /** @type {number|null} */ after) => ({
    attention,
    cutAttention:
      after === null ? null : { layer: 0, before: 1, after, edit: { kind: "ablate_attention", layer: 0 }, name: "" },
  });
  const found = disagreement([cell(0.7, 0.01), cell(0.03, 0.16), cell(0.02, 0.9), cell(0.17, 0.99), cell(0.1, null)]);
  assert.ok(Array.isArray(found));
  assert.deepEqual(
    found.map(({ column }) => column),
    [1, 3],
  );
  assert.equal(disagreement([cell(0.5, 0.1), cell(0.2, 0.6)]), "none");
  assert.equal(disagreement([cell(0.5, 0.6), cell(0.495, 0.1)]), "none");
  assert.equal(disagreement([cell(0.5, 0.995), cell(0.1, 0.991)]), "still");
  assert.equal(disagreement([cell(0.5, null)]), null);
});

test("where a cut raises the probability, the sentence says so", () => {
  const cell = (/** @type {number} */ attention, /** @type {number} */ before, /** @type {number} */ after) => ({
    attention,
    cutAttention: { layer: 0, before, after, edit: { kind: "ablate_attention", layer: 0 }, name: "" },
  });
  const picture = {
    names: ["block 0", "blocks 1–2"],
    columns: /** @type {[number, number][]} */ ([
      [0, 0],
      [1, 2],
    ]),
  };
  const say = (/** @type {number} */ first, /** @type {number} */ second) =>
    lessonText([cell(0.1, 0.138, first), cell(0.6, 0.138, second)], picture, words.en.lesson);
  assert.match(say(0.209, 0.144), /The cut in block 0 and in block 0 alone raises the probability/);
  assert.match(say(0.209, 0.13), /The cut in block 0 raises .* works against this token/);
  assert.match(say(0.002, 0.13), /A share says how much there is, not whether the answer needs it/);
  assert.doesNotMatch(say(0.002, 0.13), /raises/);
});

test("the cut of one ribbon is compared with the cut of all, where it changes more", () => {
  const ribbon = { kind: "ablate_key", layer: 5, query: 14, key: 4 };
  const next = { token: { id: 7, text: " Mary" }, before: 0.9998, after: 0.98 };
  const say = (/** @type {Record<string, any>} */ change) => {
    const { edits, after, all } = { edits: [ribbon], after: 0.98, all: 0.996, ...change };
    return replacedText(edits, 14, /** @type {any} */ ({ ...next, after }), () => all, words.en.cuts);
  };
  assert.match(say({}), /all attention of block 5, .* ␣Mary goes from 99.98 % to 98.0 %, with that cut only to 99.6 %/);
  assert.match(say({ edits: [{ ...ribbon, head: 2 }] }), /block 5/);
  const silent = [
    { all: 0.97 }, // the cut of all changes more
    { all: 0.981 }, // not a percentage point less
    { all: null }, // no such part
    { all: undefined }, // not known
    { after: null }, // not known
    { edits: [] },
    { edits: [ribbon, { kind: "ablate_mlp", layer: 5, position: 14 }] },
    { edits: [{ ...ribbon, query: 13 }] }, // into another token
    { edits: [{ ...ribbon, renormalise: false }] }, // nothing is scaled up
    { edits: [{ kind: "ablate_attention", layer: 5, position: 14 }] },
  ];
  for (const one of silent) assert.equal(say(one), "", JSON.stringify(one));
});
