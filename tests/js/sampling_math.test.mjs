// The page's sampling arithmetic. Run alone it checks known answers; run by tests/sampling/test_sampling.py, which sets
// GPTVIZ_SAMPLING_CASES, it also compares every stage and draw with what Python computed from the same bytes.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Sampler } from "../../gptviz/widgets/sampling/math.js";
import { philox4x32, uniform } from "../../gptviz/widgets/sampling/philox.js";
import { FLOAT32, FLOAT64 } from "./close.mjs";

const OFF = { temperature: 1, topK: null, topP: null, minP: null, repetitionPenalty: 1 };
const STAGES = ["model", "repetition_penalty", "temperature", "top_k", "top_p", "min_p"];

/** The tolerance is relative: most probabilities are so small that any fixed one would let them be anything.
 * @param {ArrayLike<number>} actual @param {ArrayLike<number>} expected */
function close(actual, expected, tolerance = FLOAT64, what = "") {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < actual.length; i++) {
    const allowed = tolerance * Math.abs(expected[i]);
    assert.ok(Math.abs(actual[i] - expected[i]) <= allowed, `${what} at ${i}: ${actual[i]}, not ${expected[i]}`);
  }
}

test("Philox gives Random123's known answers", () => {
  const words = (/** @type {string} */ text) => text.split(" ").map((word) => parseInt(word, 16));
  for (const [counter, key, result] of [
    ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ])
    assert.deepEqual(philox4x32(words(counter), words(key)), words(result));
});

test("the uniform number uses every part of its address", () => {
  const addresses = [
    [1, 0, 0, 0],
    [2 ** 32 + 1, 0, 0, 0],
    [1, 1, 0, 0],
    [1, 0, 1, 0],
    [1, 0, 0, 1],
  ];
  assert.equal(new Set(addresses.map((address) => uniform(...address))).size, addresses.length);
});

test("a hand-worked example: weights 8, 4, 2, 1, 1", () => {
  const sampler = new Sampler(Float32Array.from([4, 1, 8, 2, 1], Math.log));
  sampler.set({ ...OFF, temperature: 0.5, topK: 3, topP: 0.94, minP: 0.3 });
  close(
    sampler.stage("model"),
    [4, 1, 8, 2, 1].map((w) => w / 16),
    FLOAT32 * 4,
  );
  close(
    sampler.stage("temperature"),
    [16, 1, 64, 4, 1].map((w) => w / 86),
    FLOAT32 * 4,
  );
  close(
    sampler.stage("top_k"),
    [16, 0, 64, 4, 0].map((w) => w / 84),
    FLOAT32 * 4,
  );
  close(
    sampler.stage("top_p"),
    [16, 0, 64, 0, 0].map((w) => w / 80),
    FLOAT32 * 4,
  );
  close(sampler.stage("min_p"), [0, 0, 1, 0, 0]);
  assert.deepEqual([...sampler.order], [2, 0, 3, 1, 4]);
  assert.equal(sampler.entropy, 0);
});

test("equal logits go by lower id, signed zeros and impossible tokens included", () => {
  const sampler = new Sampler(Float32Array.from([0, 3, -0, -Infinity, 3, -1])).set(OFF);
  assert.deepEqual([...sampler.order], [1, 4, 0, 2, 5, 3]);
  assert.equal(sampler.set({ ...OFF, topK: 3 }).kept, 4);
  assert.equal(sampler.set(OFF).kept, 5);
});

test("settings can be moved back and forth without leaving traces", () => {
  const logits = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * i) * 4);
  const settings = { temperature: 0.7, topK: 40, topP: 0.8, minP: 0.02, repetitionPenalty: 1.4 };
  const fresh = new Sampler(logits, [5, 9, 250]).set(settings).stage("min_p");
  const used = new Sampler(logits, [5, 9, 250]);
  for (const other of [OFF, { ...settings, temperature: 0 }, { ...settings, repetitionPenalty: 0.5, topK: 3 }, OFF]) {
    used.set(other);
  }
  close(used.set(settings).stage("min_p"), fresh, 0);
});

const folder = process.env.GPTVIZ_SAMPLING_CASES;
if (folder)
  test("every stage and every draw equals Python's", () => {
    const bytes = (/** @type {string} */ name) => {
      const { buffer, byteOffset, byteLength } = fs.readFileSync(path.join(String(folder), name));
      return buffer.slice(byteOffset, byteOffset + byteLength);
    };
    const cases = JSON.parse(fs.readFileSync(path.join(String(folder), "cases.json"), "utf8"));
    assert.ok(cases.length > 200);
    const samplers = new Map();
    for (const one of cases) {
      if (!samplers.has(one.logits))
        samplers.set(one.logits, new Sampler(new Float32Array(bytes(one.logits)), one.previous));
      const { temperature, top_k, top_p, min_p, repetition_penalty } = one.settings;
      const sampler = samplers
        .get(one.logits)
        .set({ temperature, topK: top_k, topP: top_p, minP: min_p, repetitionPenalty: repetition_penalty });
      // Scores are as large as the largest logit divided by the temperature, and so exact are the logarithms of
      // probabilities. Sums are made one by one, so their errors grow like a walk of as many steps.
      const tolerance = FLOAT64 * Math.max(1, one.largest / (temperature || 1)) * Math.sqrt(sampler.size);
      const what = `${one.logits} ${JSON.stringify(one.settings)}`;
      const stages = new Float64Array(bytes(one.stages));
      STAGES.forEach((name, i) =>
        close(
          sampler.stage(name),
          stages.subarray(i * sampler.size, (i + 1) * sampler.size),
          tolerance,
          `${what} ${name}`,
        ),
      );
      assert.deepEqual([...sampler.order.slice(0, 64)], one.head, what);
      assert.equal(sampler.kept, one.kept, what);
      close([sampler.keptMass], [one.keptMass], tolerance, what);
      // Entropies near 0 are differences of numbers near 1: one is added so that the tolerance is relative to those.
      close(
        [1 + sampler.entropyBefore, 1 + sampler.entropy],
        [1 + one.entropyBefore, 1 + one.entropy],
        tolerance,
        what,
      );
      for (const [seed, choice, step, id] of one.draws) {
        assert.equal(sampler.order[sampler.draw(seed, choice, step)], id, `${what} seed ${seed}`);
      }
    }
  });
