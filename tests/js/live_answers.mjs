// Runs the view models of a page in Node.js, for the tests in Python that compare them with the views' own classes.
// Reads JSON from standard input: the model's files, the page's state, and the steps; writes answers and states as JSON.
import fs from "node:fs";
import { GPT } from "../../gptviz/pages/engine/gpt.js";
import { Safetensors } from "../../gptviz/pages/engine/safetensors.js";
import { Tokenizer } from "../../gptviz/pages/engine/tokenizer.js";
import { LiveKernel } from "../../gptviz/pages/live/kernel.js";
import { LanguageModel } from "../../gptviz/pages/live/reading.js";
import { KINDS } from "../../gptviz/pages/live/views.js";

const { weights, config, tokenizer, name, page, steps } = JSON.parse(fs.readFileSync(0, "utf8"));
const gpt = new GPT(new Safetensors(new Uint8Array(fs.readFileSync(weights)).buffer), config);
/** What the page has received: the states of views and of what they share, and answers by number. */
const states = { ...page.shared };
for (const [reference, { state }] of Object.entries(page.widgets)) states[reference] = { ...state };
const answers = [];
const kernel = new LiveKernel(new LanguageModel(gpt, new Tokenizer(tokenizer), name), page, KINDS, (sent) => {
  if (sent.kind === "update") Object.assign(states[sent.reference], sent.state);
  else answers[sent.message.id] = { ...sent.message, bytes: sent.buffers.map((buffer) => base64(buffer)) };
});

function base64(buffer) {
  return Buffer.from(buffer).toString("base64");
}

/** Numbers of a DataView are written as bytes, and infinities as Python reads them. */
function written(_, value) {
  if (value instanceof DataView) return { base64: base64(value.buffer) };
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

for (const [id, step] of steps.entries()) {
  if (step.waits) await kernel.tasks.idle();
  if (step.set) {
    Object.assign(states[step.reference], step.set);
    kernel.receive(step.reference, step.set);
  } else await kernel.ask(step.reference, { id, name: step.name, args: step.args });
  if (step.states) answers[id] = { ...answers[id], states: structuredClone(states) };
}
process.stdout.write(JSON.stringify(answers, written));
