// What view models of pages compute by themselves; tests/pages/test_live.py compares their traits and answers with Python's.
import assert from "node:assert/strict";
import test from "node:test";
import { characters, describe, spelledBytes } from "../../gptviz/pages/live/describing.js";
import { EditList, keptEdits } from "../../gptviz/pages/live/edit_list.js";
import { likeliest } from "../../gptviz/pages/live/likeliest.js";
import { pooled, withoutFuture } from "../../gptviz/pages/live/maps.js";
import { Tasks } from "../../gptviz/pages/live/tasks.js";
import { columnShares, layerRanges } from "../../gptviz/widgets/flow/live_shares.js";

test("bytes that are no character are spelled by the longest beginning of a character", () => {
  assert.equal(spelledBytes([0x61, 0xf0, 0x9f, 0x62]), "a⟨f0 9f⟩b");
  assert.equal(spelledBytes([0x9f, 0xe0, 0x80, 0xf0, 0x9f, 0xa6, 0x89]), "⟨9f⟩⟨e0⟩⟨80⟩🦉");
  assert.equal(spelledBytes([0xc1, 0xed, 0xa0, 0xf5]), "⟨c1⟩⟨ed⟩⟨a0⟩⟨f5⟩");
  assert.equal(characters("a🦉"), 2);
  const token = { id: 3, text: "\\xf0\\x9f", bytes: Uint8Array.of(0xf0, 0x9f), position: 2, special: false };
  assert.deepEqual(describe(token), { id: 3, text: "", bytes: "f0 9f", position: 2, special: false });
});

test("edits are written as Python writes them", () => {
  const list = new EditList();
  const weights = [1, 0.5, 0.00001, 1e-7, 1e22, 123456.75];
  assert.equal(
    list.code({ kind: "set_attention", layer: 3, head: 2, query: 5, weights }),
    "gptviz.set_attention(3, 2, 5, [1.0, 0.5, 1e-05, 1e-07, 1e+22, 123456.75])",
  );
  assert.equal(list.code({ kind: "ablate_mlp", layer: 1, position: 0 }), "gptviz.ablate_mlp(1, position=0)");
  const key = { kind: "ablate_key", layer: 1, query: 3, key: 2, renormalise: false };
  assert.equal(list.code(key), "gptviz.ablate_key(1, 3, 2, renormalise=False)");
  const head = { kind: "ablate_head", layer: 0, head: 4 };
  assert.deepEqual(keptEdits(list, [head, key]), { _edits: [head], _dropped: [list.sent(key)] });
  assert.throws(() => list.edits([{ kind: "toString", layer: 0 }]), /Expected an edit among/);
  assert.throws(() => list.source({ held: 0 }), /Expected a held value/);
});

test("the likeliest come first, and of equal ones the lower id", () => {
  assert.deepEqual(likeliest(Float32Array.of(0.1, 0.4, 0.1, 0.4), 3), [1, 3, 0]);
  assert.deepEqual(likeliest(Float32Array.of(0.25, 0.75), 5), [1, 0]);
});

test("maps are cut and pooled to their largest weights", () => {
  const map = Float32Array.of(1, 0, 0, 0.5, 0.5, 0, 0.2, 0.7, 0.1);
  assert.deepEqual([...withoutFuture(map, 3)], [...Float32Array.of(1, 0.5, 0.5, 0.2, 0.7, 0.1)]);
  // Blocks of 3 tokens in 2 parts: the first token, then two.
  assert.deepEqual([...pooled(map, 3, 2)], [...Float32Array.of(1, 0, 0.5, 0.7)]);
});

test("blocks are divided among columns, and pooled shares are products", () => {
  assert.deepEqual(layerRanges(10).slice(0, 3), [
    [0, 1],
    [2, 3],
    [4, 4],
  ]);
  const block = (/** @type {number} */ carried) => ({
    residual: Float64Array.of(1, 1 - carried),
    bias: new Float64Array(2),
    heads: [Float64Array.of(0, 0, carried, 0)],
    mlp: Float64Array.of(0, 0.5),
    byLength: 0,
  });
  const [column] = columnShares([block(0.5), block(0.25)], [[0, 1]]);
  assert.equal(column.attention[2], 0.25 + 0.75 * 0.5);
  assert.equal(column.stream[1], 0.375);
  assert.equal(column.mlp[1], 1 - (0.125 + 0.375 * 0.5)); // 1 without what has passed no MLP
});

test("work is done in steps, and an error in it is told to who waits", async () => {
  const tasks = new Tasks();
  const done = [];
  function* work(name, steps) {
    for (let step = 0; step < steps; step++) {
      done.push(name + step);
      yield;
    }
    if (name === "b") throw new Error("no");
  }
  await Promise.all([tasks.done(work("a", 2)), assert.rejects(tasks.done(work("b", 1)), /no/)]);
  assert.deepEqual(done, ["a0", "a1", "b0"]);
  await tasks.idle();
});
