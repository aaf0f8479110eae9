// The flow view's numbers: credit by a hand-worked example, rows, and widths that are linear in credit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Columns, isPooled } from "../../gptviz/widgets/flow/columns.js";
import { KEPT as KINDS_KEPT, Shares } from "../../gptviz/widgets/flow/credit.js";
import { Geometry, hook } from "../../gptviz/widgets/flow/geometry.js";
import { drawnParts, HeadShares } from "../../gptviz/widgets/flow/heads.js";
import { countOf } from "../../gptviz/widgets/flow/labels.js";
import { Pieces } from "../../gptviz/widgets/flow/pieces.js";
import { chooseRows, MOST_ROWS, placeRows, UNIT } from "../../gptviz/widgets/flow/rows.js";
import { catalogue as words } from "../../gptviz/widgets/flow/words.js";
import { isSameEdit } from "../../gptviz/widgets/shared/edits.js";
import { assertClose, FLOAT32, FLOAT64 } from "./close.mjs";
import { CARRIED, KEPT } from "./flow_example.mjs";

const shares = () => new Shares(2, 3, CARRIED, KEPT);
const all = { start: null, isOpen: false, isUnfolded: false };

test("credit runs back through both columns and keeps its sum", () => {
  const credit = shares()
    .creditOf(2)
    .map((depth) => [...depth]);
  assert.deepEqual(credit[2], [0, 0, 1]);
  assert.deepEqual(credit[1], [0.125, 0.25, 0.625]);
  // Token 2 keeps 0.25 and gives 0.5 and 0.25; token 1 keeps 0.625 + 0.125 and gives 0.25; token 0 keeps all.
  assert.deepEqual(credit[0], [0.625 * 0.5 + 0.25 * 0.25 + 0.125, 0.625 * 0.25 + 0.25 * 0.75, 0.625 * 0.25]);
});

test("a middle token gets its own credit, and later tokens get none", () => {
  const credit = shares().creditOf(1);
  assert.deepEqual([...credit[0]], [0.5 + 0.5 * 0.25, 0.5 * 0.75, 0]);
});

test("an unfolded column has its blocks in its place, with the numbers of each", () => {
  const blocks = { parallel: [false, true, false, false], attention: ["none", "held", "missing", "none"] };
  const pooled = new Columns(
    shares(),
    [
      [0, 2],
      [3, 3],
    ],
    /** @type {any} */ (blocks),
  );
  assert.deepEqual(
    [pooled.kinds, pooled.parallel],
    [
      ["held", "none"],
      [false, false],
    ],
  );
  assert.deepEqual(pooled.ranges.map(isPooled), [true, false]);
  // Of three blocks: 6 numbers that attention carries, and 9 that stay. Each is 100 · block + its place.
  const rows = Float32Array.from({ length: 45 }, (_, i) => 100 * Math.floor(i / 15) + (i % 15));
  const shown = pooled.unfolded(0, rows);
  assert.deepEqual(shown.ranges, [
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
  assert.deepEqual([shown.kinds, shown.parallel], [blocks.attention, blocks.parallel]);
  assert.equal(shown.shares.columns, 4);
  for (const block of [0, 1, 2]) {
    assert.equal(shown.shares.carried(block, 2, 1), 100 * block + 4);
    assert.deepEqual(
      KINDS_KEPT.map((part) => shown.shares.kept(part, block, 2)),
      [8, 11, 14].map((at) => 100 * block + at),
    );
  }
  for (const token of [0, 1, 2]) {
    assert.equal(shown.shares.carried(3, 2, token), pooled.shares.carried(1, 2, token));
    for (const part of KINDS_KEPT) assert.equal(shown.shares.kept(part, 3, token), pooled.shares.kept(part, 1, token));
  }
});

test("attention weights are shown block by block and are no credit", () => {
  const credit = new Shares(2, 3, CARRIED, KEPT, true).creditOf(2).map((depth) => [...depth]);
  assert.deepEqual(credit, [
    [0.5, 0.25, 1],
    [0.125, 0.25, 1],
    [0, 0, 1],
  ]);
});

test("every band and ribbon is as wide as its credit, and what leaves and arrives adds up", () => {
  const table = shares();
  const credit = table.creditOf(2);
  const { rows, rowOf } = chooseRows(credit, 2, all);
  for (const scale of [1, 1.5]) {
    placeRows(rows, scale);
    const geometry = new Geometry(table, credit, rows, rowOf, 2, [0, 100, 350], scale);
    const pieces = [
      ...geometry.bands.map(({ share, height }) => [share, height]),
      ...geometry.curves.map(({ share, width }) => [share, width]),
    ];
    assert.ok(pieces.length > 15);
    for (const [share, size] of pieces) assertClose(size, share * UNIT * scale, FLOAT64, UNIT);
    for (const column of [0, 1]) {
      for (const row of [0, 1, 2]) {
        const sum = (/** @type {{share: number}[]} */ some) => some.reduce((total, { share }) => total + share, 0);
        const of = (/** @type {string[]} */ kinds) =>
          geometry.bands.filter((band) => band.column === column && band.row === row && kinds.includes(band.kind));
        const curves = geometry.curves.filter((curve) => curve.column === column);
        const stays = sum(of(["stream", "bias"]));
        const arrives = sum(curves.filter(({ target }) => target === row));
        const leaves = sum(curves.filter(({ source }) => source === row));
        assertClose(stays + arrives, credit[column + 1][row], FLOAT32, 1);
        assertClose(stays + leaves, credit[column][row], FLOAT32, 1);
        assertClose(sum(of(["after"])), credit[column + 1][row], FLOAT32, 1);
      }
    }
  }
});

test("tokens with little credit share one line that sums them, and the number of rows has a limit", () => {
  const tokens = 30;
  const credit = [new Float64Array(tokens), new Float64Array(tokens)];
  for (let token = 0; token < tokens; token += 1) credit[0][token] = token < 20 ? 0.045 + token / 1000 : 0.001;
  credit[1][28] = 1;
  const { rows, rowOf } = chooseRows(credit, 28, { ...all, start: 0 });
  const kinds = rows.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 2), ["rest", "small"]);
  assert.equal(kinds.filter((kind) => kind === "token").length, MOST_ROWS);
  assert.equal(kinds.at(-1), "later");
  assert.deepEqual(
    rows.flatMap((row) => row.tokens).sort((a, b) => a - b),
    [...credit[0].keys()],
  );
  assert.deepEqual(rows.at(-1)?.tokens, [29]);
  const small = rows[1].tokens;
  assert.equal(small.length, 29 - 1 - MOST_ROWS);
  assertClose(
    rows[1].most,
    small.reduce((sum, token) => sum + credit[0][token], 0),
  );
  rows.forEach((row, i) => {
    for (const token of row.tokens) assert.equal(rowOf[token], i);
  });
  const unfolded = chooseRows(credit, 28, { start: 0, isOpen: true, isUnfolded: true }).rows;
  assert.deepEqual(
    unfolded.map(({ kind }) => kind),
    ["fold", ...Array(29).fill("token"), "later"],
  );
  const few = chooseRows([Float64Array.of(0.5, 0.3, 0.2), Float64Array.of(0, 0, 1)], 2, { ...all, isUnfolded: true });
  assert.deepEqual(
    few.rows.map(({ kind }) => kind),
    ["token", "token", "token"],
    "there is nothing to fold again",
  );
});

test("a line of several tokens stands where the first of them does", () => {
  const credit = [Float64Array.of(0.5, 0.002, 0.4, 0.003, 0.095), Float64Array.of(0, 0, 0, 0, 1)];
  const kinds = (/** @type {boolean} */ isUnfolded) =>
    chooseRows(credit, 4, { ...all, isUnfolded }).rows.map(({ kind, tokens }) => `${kind} ${tokens.join()}`);
  assert.deepEqual(kinds(false), ["token 0", "small 1,3", "token 2", "token 4"]);
  assert.deepEqual(kinds(true), ["token 0", "fold ", "token 1", "token 2", "token 3", "token 4"]);
  const tokens = [0, 1, 2].map((position) => ({ id: position, text: "x", position }));
  const counted = [{ ...tokens[0], earlier: 768 }, tokens[1], tokens[2]];
  const row = { kind: "small", tokens: [0, 2], most: 0, top: 0, height: 0, base: 0 };
  assert.equal(countOf(/** @type {any} */ (row), counted), 769, "a token that stands for earlier ones counts as these");
});

test("all credit of a text of one token is with it, to the last digit", () => {
  const third = Math.fround(1 / 3); // three of them are not exactly 1
  const columns = 5;
  const kept = Array.from({ length: columns }, () => [third, third, 0.5]).flat();
  const one = new Shares(columns, 1, new Float32Array(columns).fill(third), new Float32Array(kept));
  assert.deepEqual(
    one.creditOf(0).map(([share]) => share),
    Array(columns + 1).fill(1),
  );
});

test("a hook is never bent more sharply than half its thickness, and stays in its column", () => {
  const at = (/** @type {number[]} */ [a, b, c, d], /** @type {number} */ t) => [
    3 * ((1 - t) ** 2 * (b - a) + 2 * (1 - t) * t * (c - b) + t ** 2 * (d - c)),
    6 * ((1 - t) * (c - 2 * b + a) + t * (d - 2 * c + b)),
  ];
  for (const length of [12, 22, 33]) {
    for (const thickness of [0.5, 3, 12, 24, 40, 90]) {
      const path = hook([100, 50], length, length / 2, thickness);
      const numbers = (path.match(/-?[\d.]+/g) ?? []).map(Number);
      const [xs, ys] = [0, 1].map((axis) => numbers.filter((_, i) => i % 2 === axis));
      assert.deepEqual([xs[0], xs[3], ys[3]], [100 - length, 100, 50]);
      assert.ok(ys[0] < 50 && ys[0] >= 50 - length / 2);
      for (let t = 0; t <= 1; t += 1 / 64) {
        const [[x, ddx], [y, ddy]] = [at(xs, t), at(ys, t)];
        const radius = (x ** 2 + y ** 2) ** 1.5 / Math.abs(x * ddy - y * ddx);
        assert.ok(radius >= thickness / 2, `${length} ${thickness} ${t}`);
      }
    }
  }
  const table = shares();
  const credit = table.creditOf(2);
  const { rows, rowOf } = chooseRows(credit, 2, { ...all, start: 0 });
  placeRows(rows, 1);
  for (const edges of [
    [0, 20, 40],
    [0, 100, 350],
  ]) {
    const hooks = new Geometry(table, credit, rows, rowOf, 2, edges, 1).curves.filter(({ kind }) => kind === "rest");
    assert.ok(hooks.length > 1);
    for (const { column, path } of hooks) assert.ok(Number(path.match(/^M([\d.]+)/)?.[1]) >= edges[column]);
  }
});

test("rows are below one another and high enough for their bands", () => {
  const credit = shares().creditOf(2);
  const { rows } = chooseRows(credit, 2, all);
  const height = placeRows(rows, 1);
  let top = 0;
  for (const row of rows) {
    assert.equal(row.top, top);
    assert.ok(row.base - UNIT * row.most >= row.top && row.base <= row.top + row.height);
    top += row.height;
  }
  assert.equal(height, top);
});

test("in an open block a ribbon has a part for each head, and one for those that are too thin", () => {
  const table = shares();
  const credit = table.creditOf(2);
  const { rows, rowOf } = chooseRows(credit, 2, all);
  placeRows(rows, 1);
  // Of column 1's attention, head 0 has a half, head 1 a quarter, and heads 2 and 3 the rest but for a sixteenth.
  const of = CARRIED.subarray(6);
  const parts = [0.5, 0.25, 0.25 - 1 / 16, 1 / 16].map((part) => [...of].map((share) => share * part));
  const heads = new HeadShares(1, 4, 3, new Float32Array(parts.flat()));
  const geometry = new Geometry(table, credit, rows, rowOf, 2, [0, 100, 350], 1, heads);
  const ribbons = geometry.curves.filter(({ column, source, target }) => column === 1 && source === 1 && target === 2);
  // Token 2 looks at token 1 with 0.25: heads have 12.5, 6.25, 4.6875 and 1.5625 pixels.
  assert.deepEqual(
    ribbons.map(({ head, count, width, whole }) => [head, count, width, whole]),
    [
      [0, 1, 12.5, 25],
      [1, 1, 6.25, 25],
      [2, 1, 4.6875, 25],
      [3, 1, 1.5625, 25],
    ],
  );
  assert.deepEqual(
    ribbons.map(({ halo, seam }) => [halo !== "", seam !== ""]),
    [
      [true, false],
      [false, true],
      [false, true],
      [false, true],
    ],
  );
  assert.deepEqual(
    drawnParts([0.5, 0.004, 0, 0.003], (share) => share < 0.01),
    [
      { head: 0, count: 1, share: 0.5 },
      { head: -1, count: 2, share: 0.007 },
    ],
  );
  assert.deepEqual(
    drawnParts([0.5, 0.004, 0.002, 0.003], (share) => share < 0.01, 1),
    [
      { head: 0, count: 1, share: 0.5 },
      { head: 1, count: 1, share: 0.004 },
      { head: -1, count: 2, share: 0.005 },
    ],
    "an open head has a part of its own",
  );
  assert.equal(heads.through(0, credit[2]), 0.5 * (0.125 + 0.25 + 0.25));
  assert.ok(geometry.curves.every(({ column, head }) => (head === null) === (column === 0)));
});

test("a piece is cut by its own edit and by those of what it is a part of", () => {
  /** @type {import("../../gptviz/widgets/shared/edits.js").Edit[]} */
  let made = [];
  const pieces = new Pieces(words.en, (edit) => made.some((other) => isSameEdit(edit, other)));
  const tokens = [0, 1, 2].map((position) => ({ id: position, text: "x", position }));
  const row = (/** @type {number} */ token) => ({
    kind: "token",
    tokens: [token],
    most: 1,
    top: 0,
    height: 0,
    base: 0,
  });
  Object.assign(pieces, { tokens, rows: [0, 1, 2].map(row), columns: [[5, 5]], names: ["block 5"] });
  Object.assign(pieces, { canCut: true, canCutRibbons: true });
  const curve = { kind: "ribbon", column: 0, source: 1, target: 2, share: 1, count: 1, head: null };
  const part = { ...curve, head: 3 };
  const several = { ...curve, head: -1, count: 4 };
  const bundle = { ...curve, kind: "bundle", source: -1 };
  const band = { kind: "mlp", column: 0, row: 2, share: 1, x: 0, width: 1, y: 0, height: 1 };
  const bias = { ...band, kind: "bias" };
  const all = /** @type {any[]} */ ([
    { curve },
    { curve: part },
    { curve: several },
    { curve: bundle },
    { band },
    { band: bias },
  ]);
  const cutBy = (/** @type {any} */ edit) => {
    made = [edit];
    return all.map((piece) => Number(pieces.isCut(piece))).join("");
  };
  assert.equal(cutBy({ kind: "ablate_key", layer: 5, query: 2, key: 1 }), "111000");
  assert.equal(cutBy({ kind: "ablate_key", layer: 5, query: 2, key: 1, head: 3 }), "010000");
  assert.equal(cutBy({ kind: "ablate_key", layer: 5, query: 2, key: 0 }), "000000");
  assert.equal(cutBy({ kind: "ablate_head", layer: 5, head: 3 }), "010000");
  assert.equal(cutBy({ kind: "ablate_attention", layer: 5, position: 2 }), "111101");
  assert.equal(cutBy({ kind: "ablate_attention", layer: 5 }), "111101");
  assert.equal(cutBy({ kind: "ablate_attention", layer: 4 }), "000000");
  assert.equal(cutBy({ kind: "ablate_mlp", layer: 5, position: 2 }), "000010");
  assert.equal(cutBy({ kind: "ablate_mlp", layer: 5 }), "000010");
  // Pooled blocks: what goes from token to token between them is cut by no edit of single weights.
  Object.assign(pieces, { columns: [[5, 6]] });
  const whole = [curve, bundle].map((one) => ({ curve: one }));
  const pooled = /** @type {any[]} */ ([...whole, { band }, { band: bias }]);
  const cutByAll = (/** @type {any} */ ...edits) => {
    made = edits;
    return pooled.map((piece) => Number(pieces.isCut(piece))).join("");
  };
  assert.ok(pooled.every((piece) => pieces.editsOf(piece).length === 0));
  const both = (/** @type {object} */ edit) => [5, 6].map((layer) => ({ ...edit, layer }));
  assert.equal(cutByAll(...both({ kind: "ablate_key", query: 2, key: 1 })), "0000");
  assert.equal(cutByAll(...both({ kind: "ablate_mlp", position: 2 })), "0000");
  assert.equal(cutByAll(...both({ kind: "ablate_mlp" })), "0010");
  assert.equal(cutByAll({ kind: "ablate_attention", layer: 5, position: 2 }), "0000");
  assert.equal(cutByAll(...both({ kind: "ablate_attention", position: 2 })), "1101");
  Object.assign(pieces, { columns: [[5, 5]] });
  assert.deepEqual(pieces.cellOf(all[1]), { layer: 5, head: 3, query: 2, key: 1 });
  assert.deepEqual(
    [all[0], all[2], all[4]].map((piece) => pieces.cellOf(piece)),
    [null, null, null],
  );
});
