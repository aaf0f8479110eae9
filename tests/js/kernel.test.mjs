// Questions to the kernel: the lane that keeps only the newest, and answers as typed arrays or errors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, Lane } from "../../gptviz/widgets/shared/kernel.js";
import { promptRefusals } from "../../gptviz/widgets/shared/prompt_refusals.js";
import { addRefusals } from "../../gptviz/widgets/shared/words.js";

test("while one question is pending only the newest is kept, and only the last answer is used", async () => {
  const lane = new Lane();
  const asked = [];
  const used = [];
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
  addRefusals(promptRefusals);
  const listeners = new Set();
  const sent = [];
  let language = "en";
  const model = {
    on: (/** @type {string} */ _, /** @type {any} */ f) => listeners.add(f),
    off: (/** @type {string} */ _, /** @type {any} */ f) => listeners.delete(f),
    send: (/** @type {any} */ message) => sent.push(message),
    get: () => language,
  };
  const hear = (/** @type {any} */ message, buffers = []) => [...listeners].forEach((f) => f(message, buffers));
  const first = ask(model, "head", { layer: 0 });
  const second = ask(model, "head", { layer: 1 });
  assert.notEqual(sent[0].id, sent[1].id);
  const bytes = new Float32Array([1.5, -2]).buffer;
  hear({ kind: "answer", id: sent[1].id, array: { dtype: "float32", shape: [2] } }, [new DataView(bytes)]);
  hear({ kind: "answer", id: sent[0].id, error: "expected a layer" });
  assert.deepEqual([...(await second).data], [1.5, -2]);
  await assert.rejects(first, /expected a layer/);
  for (const [code, wanted] of [
    ["prompt_too_long", /^提示最多 4,096 个词元（tales 的上下文长度）。现有 9,000 个。请缩短提示。$/],
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

test("an interrupted question is refused in both languages, and the next one is asked", async () => {
  const listeners = new Set();
  let language = "en";
  const answers = [{ error: "Interrupted.", code: "interrupted", facts: {} }, { value: 5 }];
  const model = {
    on: (/** @type {string} */ _, /** @type {any} */ f) => listeners.add(f),
    off: (/** @type {string} */ _, /** @type {any} */ f) => listeners.delete(f),
    send: (/** @type {any} */ { id }) => [...listeners].forEach((f) => f({ kind: "answer", id, ...answers[at++] }, [])),
    get: () => language,
  };
  let at = 0;
  for (const [chosen, wanted] of [
    ["en", /Ask again/],
    ["zh", /被中断.*请再/],
  ]) {
    language = /** @type {string} */ (chosen);
    at = 0;
    const lane = new Lane();
    const refused = await new Promise((done) => lane.ask(() => ask(model, "cuts", {}), assert.fail, done));
    assert.match(refused.message, /** @type {RegExp} */ (wanted));
    assert.equal(await new Promise((done) => lane.ask(() => ask(model, "cuts", {}), done, assert.fail)), 5);
  }
});
