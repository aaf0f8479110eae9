// What the bench computes from the tokens that a server reveals. The same numbers in Python: served/sampled.py.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Sampler } from "../../gptviz/widgets/sampling/math.js";
import { RevealedSampler } from "../../gptviz/widgets/sampling/revealed.js";
import { assertClose, FLOAT32 } from "./close.mjs";

const OFF = { temperature: 1, topK: null, topP: null, minP: null, repetitionPenalty: 1 };
const WEIGHTS = [8, 4, 2, 1, 0.5, 0.25, 0.25]; // sum 16
const REVEALED = 4;
const STAGES = ["repetition_penalty", "temperature", "top_k", "top_p", "min_p"];

const whole = () => new Sampler(Float32Array.from(WEIGHTS, Math.log));
const part = (complete = true) => {
  const logprobs = WEIGHTS.slice(0, REVEALED).map((weight) => Math.log(weight / 16));
  return new RevealedSampler(logprobs, complete);
};
const near = (a, b) => assertClose(a, b, FLOAT32, 1); // the logits of the whole vocabulary are float32

test("what is known is what the whole vocabulary gives, and what is not known is NaN", () => {
  for (const settings of [
    {},
    { temperature: 0 },
    { topP: 0.7 },
    { topP: 0.93 },
    { minP: 0.3 },
    { temperature: 0.5, topK: 3 },
    { temperature: 1.7, topK: 4, topP: 0.8, minP: 0.2 },
    { temperature: 0.5, minP: 0.2 },
  ]) {
    const right = whole().set({ ...OFF, ...settings });
    const known = part().set({ ...OFF, ...settings });
    for (let rank = 0; rank < REVEALED; rank++) near(known.at("min_p", rank), right.at("min_p", rank));
    const cut = Object.keys(settings).length > 0;
    assert.equal(known.kept, cut ? right.kept : Infinity);
    if (cut) near(known.entropy, right.entropy);
    for (const stage of STAGES) {
      const share = known.at(stage, 1);
      if (!Number.isNaN(share)) near(share, right.at(stage, 1));
    }
  }
});

test("settings that depend on tokens that are not revealed are named", () => {
  for (const [settings, stage] of [
    [{ temperature: 0.7 }, "temperature"],
    [{ topP: 0.97 }, "top_p"],
    [{ topK: 5 }, "top_k"],
    [{ minP: 0.01 }, "min_p"],
    [{ repetitionPenalty: 1.2 }, "repetition_penalty"],
    [{ temperature: 0.7, topP: 0.5 }, "temperature"],
  ]) {
    const sampler = part().set({ ...OFF, ...settings });
    assert.equal(sampler.firstUnknown(), stage);
    assert.ok(Number.isNaN(sampler.at("min_p", 0)) && sampler.draw(1) === -1 && sampler.tally(1, 10, 4) === null);
  }
  assert.equal(part().firstUnknown(), null);
  near(part().unrevealed, 1 / 16);
});

test("a list that may lack a token tells nothing under any setting, also the neutral one's probabilities stay", () => {
  const sampler = part(false);
  near(sampler.at("min_p", 0), 0.5);
  assert.equal(sampler.set({ ...OFF, topK: 2 }).firstUnknown(), "top_k");
});

test("draws are those of the whole vocabulary; the tokens that are not revealed are one", () => {
  const right = whole().set(OFF);
  const known = part().set(OFF);
  const drawn = new Set();
  for (let draw = 0; draw < 300; draw++) {
    const rank = known.draw(7, 0, 0, draw);
    assert.equal(rank, Math.min(REVEALED, right.draw(7, 0, 0, draw)));
    drawn.add(rank);
  }
  assert.equal(drawn.size, REVEALED + 1);
  assert.deepEqual([...known.tally(7, 300, 4)], [...right.tally(7, 300, 4)]);
});
