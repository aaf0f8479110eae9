// What all views share: text of tokens, numbers as text, and the lane that keeps only the newest question.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ask,
  chipText,
  colours,
  Lane,
  percent,
  significant,
  visible,
  weight,
} from "../../gptviz/widgets/shared/common.js";

test("white space is seen, and nothing invisible stays invisible", () => {
  assert.equal(chipText({ id: 1, text: " a b\n\t" }), "␣a␣b⏎⇥");
  assert.equal(chipText({ id: 1, text: "x\u202ey\u200b\u2028" }), "xU+202EyU+200BU+2028");
  assert.equal(chipText({ id: 1, text: "", bytes: "f0 9f" }), "f0 9f");
  assert.deepEqual(visible("<b>"), [{ text: "<b>", mark: false }]);
});

test("numbers have three significant digits and a true minus", () => {
  assert.equal(significant(-12.345), "−12.3");
  assert.equal(significant(12345.6), "12346");
  assert.equal(significant(1.23456e-9), "1.23e−9");
  assert.equal(significant(1e-7), "1.00e−7");
  assert.equal(significant(999.4), "999");
  assert.equal(significant(-999.6), "−1000");
  assert.equal(significant(1000.4), "1000");
  assert.equal(significant(-Infinity), "−∞");
});

test("a share is never rounded to nothing, nor to all", () => {
  assert.equal(percent(0), "0 %");
  assert.equal(percent(1), "100 %");
  assert.equal(percent(0.123456), "12.3 %");
  assert.equal(percent(1e-9), "<0.001 %");
  assert.equal(percent(0.9996), "99.96 %");
  for (const p of [0.99995, 0.99999, 1 - 1e-12]) assert.equal(percent(p), ">99.99 %");
  assert.equal(weight(0.0001), "<0.001");
  assert.equal(weight(0.61239), "0.612");
});

test("more weight is more contrast with the page, in both themes", () => {
  const light = (/** @type {number[]} */ [r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  for (const [theme, sign] of /** @type {const} */ ([
    ["light", -1],
    ["dark", 1],
  ])) {
    const steps = colours(theme).map((colour) => sign * light(colour));
    for (let i = 1; i < 256; i++) assert.ok(steps[i] >= steps[i - 1] - 1, `${theme} at ${i}`);
  }
});

test("of questions asked meanwhile only the newest is asked, and only the last answer used", async () => {
  const lane = new Lane(),
    asked = [],
    used = [];
  /** @type {Record<string, (value: string) => void>} */
  const answer = {};
  const question = (/** @type {string} */ name) => () => {
    asked.push(name);
    return new Promise((resolve) => {
      answer[name] = resolve;
    });
  };
  const fail = () => assert.fail();
  for (const name of ["a", "b", "c"]) lane.ask(question(name), (value) => used.push(value), fail);
  assert.deepEqual(asked, ["a"]);
  answer.a("A");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(asked, ["a", "c"]);
  answer.c("C");
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(used, ["C"]);
});

test("an answer belongs to its question, arrays come as typed arrays, refusals as errors", async () => {
  const listeners = new Set(),
    sent = [];
  let language = "en";
  const model = {
    on: (/** @type {string} */ _, /** @type {any} */ f) => listeners.add(f),
    off: (/** @type {string} */ _, /** @type {any} */ f) => listeners.delete(f),
    send: (/** @type {any} */ message) => sent.push(message),
    get: () => language,
  };
  const hear = (/** @type {any} */ message, buffers = []) => [...listeners].forEach((f) => f(message, buffers));
  const first = ask(model, "head", { layer: 0 }),
    second = ask(model, "head", { layer: 1 });
  assert.notEqual(sent[0].id, sent[1].id);
  const bytes = new Float32Array([1.5, -2]).buffer;
  hear({ kind: "answer", id: sent[1].id, array: { dtype: "float32", shape: [2] } }, [new DataView(bytes)]);
  hear({ kind: "answer", id: sent[0].id, error: "expected a layer" });
  assert.deepEqual([...(await second).data], [1.5, -2]);
  await assert.rejects(first, /expected a layer/);
  for (const [code, wanted] of [
    ["prompt_too_long", /^提示最多 4,096 个词元（tales 的上下文长度），现有 9,000 个。请缩短。$/],
    ["", /^出错了，原因只有英文：Expected a/],
  ]) {
    language = "zh";
    const question = ask(model, "run", {});
    hear({
      kind: "answer",
      id: sent.at(-1).id,
      error: "Expected a",
      code,
      facts: { limit: 4096, tokens: 9000, model: "tales" },
    });
    await assert.rejects(question, { message: wanted });
  }
  assert.equal(listeners.size, 0);
});
