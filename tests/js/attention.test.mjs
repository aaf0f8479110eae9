// The numbers of an attention map on the page: its rows, and the size of its cells.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cellSize } from "../../gptviz/widgets/attention/map.js";
import { indexOfLargest, rowOf, scaleRows, unpackMap } from "../../gptviz/widgets/attention/matrix.js";

test("a causal row ends with its query, and a row of cross attention has all keys", () => {
  const causal = unpackMap({ data: Float32Array.of(1, 0.25, 0.75), shape: [3] });
  assert.deepEqual([...causal], [1, -Infinity, 0.25, 0.75]);
  assert.deepEqual([...rowOf(causal, 0, 2, true)], [1]);
  const cross = unpackMap({ data: Float32Array.of(0.5, 0.25, 0.25, 0, 0.25, 0.75), shape: [2, 3] });
  assert.deepEqual([...rowOf(cross, 1, 3, false)], [0, 0.25, 0.75]);
  assert.equal(indexOfLargest(rowOf(cross, 0, 3, false)), 0);
  assert.deepEqual([...scaleRows(cross, 3, false)], [1, 0.5, 0.5, 0, Math.fround(1 / 3), 1]);
  const scaled = scaleRows(causal, 2, true);
  assert.ok(Number.isNaN(scaled[1]));
  assert.deepEqual([scaled[0], scaled[3]], [1, 1]);
});

test("cells are squares as long as a label has room, and no side is larger than the map", () => {
  assert.deepEqual(cellSize(10, 10, 560, 1), { width: 36, height: 36 });
  assert.deepEqual(cellSize(5, 28, 560, 1), { width: 20, height: 20 });
  assert.deepEqual(cellSize(5, 140, 560, 1), { width: 4, height: 13 });
  assert.deepEqual(cellSize(1120, 1120, 560, 1), { width: 0.5, height: 0.5 });
  const { width, height } = cellSize(1500, 6, 560, 1.5);
  assert.ok(1500 * height <= 560 && width === 20);
});
