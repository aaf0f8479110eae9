// The arithmetic of the charts of a training run.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  axisEnds,
  linear,
  nearestIndex,
  panelsOf,
  pointsOf,
  RunData,
  ticks,
} from "../../gptviz/widgets/training/scale.js";

test("ticks are round numbers within the ends", () => {
  assert.deepEqual(ticks(0, 1, 4), [0, 0.5, 1]);
  assert.deepEqual(ticks(0, 4.2, 4), [0, 2, 4]);
  assert.deepEqual(ticks(0, 1500, 5), [0, 500, 1000, 1500]);
  assert.deepEqual(ticks(-0.3, 0.3, 3), [-0.2, 0, 0.2]);
  assert.deepEqual(ticks(0, 2e-6, 4), [0, 5e-7, 1e-6, 1.5e-6, 2e-6]);
});

test("an axis has room for all values and ends at round numbers", () => {
  assert.deepEqual(axisEnds([4.17, 0.3, Number.NaN], true), [0, 6]);
  assert.deepEqual(axisEnds([-12.4, -3], false), [-15, 0]);
  assert.deepEqual(axisEnds([2, 2], false), [1, 3]);
  assert.deepEqual(axisEnds([], true), [0, 1]);
  assert.deepEqual(axisEnds([], false), [-1, 1]);
});

test("a range is mapped onto another", () => {
  const map = linear([0, 10], [100, 50]);
  assert.deepEqual([map(0), map(5), map(10)], [100, 75, 50]);
  assert.equal(linear([3, 3], [1, 2])(3), 1);
});

test("what is no number is no point", () => {
  assert.deepEqual(pointsOf([0, 5, 9], [1.5, null, 0]), [
    [0, 1.5],
    [9, 0],
  ]);
});

test("the nearest of the kept steps is found", () => {
  assert.equal(nearestIndex([0, 25, 50], -3), 0);
  assert.equal(nearestIndex([0, 25, 50], 38), 2);
  assert.equal(nearestIndex([0, 25, 50], 37), 1);
});

test("a curve that arrives in parts replaces its unfinished point", () => {
  const run = new RunData();
  const part = (from, whole, mean, taken) => ({
    status: "running",
    taken,
    curve: { width: 3, from, whole, mean, least: mean.map((x) => x - 1), most: mean.map((x) => x + 1) },
  });
  run.take(part(0, 2, [5, 4, 3.5], 7));
  assert.deepEqual(run.curveSteps, [1, 4, 6]); // steps 0 to 2, 3 to 5, and 6 alone
  run.take(part(2, 3, [3.2, 3], 10));
  assert.deepEqual(run.mean, [5, 4, 3.2, 3]);
  assert.deepEqual(run.least, [4, 3, 2.2, 2]);
  assert.equal(run.whole, 3);
  assert.deepEqual(run.curveSteps, [1, 4, 7, 9]);
  assert.equal(run.hasEnded, false);
});

test("measures between 0 and 1 share a panel, and each other one has its own", () => {
  assert.deepEqual(panelsOf([{}]), [[]]);
  assert.deepEqual(panelsOf([{ held_out: [4], accuracy: [0, 1], "log p": [-3], induction: [null, 0.5] }]), [
    ["held_out"],
    ["accuracy", "induction"],
    ["log p"],
  ]);
  assert.deepEqual(panelsOf([{ share: [0.5] }, { share: [1.5] }]), [[], ["share"]]);
});
