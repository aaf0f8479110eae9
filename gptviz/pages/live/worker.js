// @ts-check
/**
 * The Worker of a page that runs the model. It says at once which questions it answers, so that the page can draw its
 * views, then takes the model and answers.
 */

import { GPT } from "../engine/gpt.js";
import { Safetensors } from "../engine/safetensors.js";
import { Tokenizer } from "../engine/tokenizer.js";
import { bytesOf } from "./base64.js";
import { LiveKernel, refusal } from "./kernel.js";
import { LanguageModel } from "./reading.js";
import { KINDS } from "./views.js";

/**
 * What the page sends: the model with the state of the views; traits that the page has set; or a question.
 * @typedef {{kind: "open", model: {name: string, config: any, tokenizer: any}, weights: string,
 *   page: import("./kernel.js").PageState} | {kind: "set", reference: string, state: Record<string, any>} |
 *   {kind: "ask", reference: string, message: any}} Received
 */

/** @type {LiveKernel|null} */
let kernel = null;
/** What arrived before the model. @type {Received[]} */
const early = [];

/** @param {any} message @param {Transferable[]} [moved] */
const post = (message, moved = []) => globalThis.postMessage(message, { transfer: moved });

/** @param {Received} received */
function handle(received) {
  if (received.kind === "open") {
    const { name, config, tokenizer } = received.model;
    const gpt = new GPT(new Safetensors(bytesOf(received.weights).buffer), config);
    const model = new LanguageModel(gpt, new Tokenizer(tokenizer), name);
    kernel = new LiveKernel(model, received.page, KINDS, (sent) =>
      post(sent, sent.kind === "answer" ? sent.buffers : []),
    );
    post({ kind: "opened" });
    for (const waiting of early.splice(0)) handle(waiting);
  } else if (!kernel) early.push(received);
  else if (received.kind === "set") kernel.receive(received.reference, received.state);
  else kernel.ask(received.reference, received.message);
}

globalThis.addEventListener("message", ({ data }) => {
  try {
    handle(data);
  } catch (error) {
    post({ kind: "failed", ...refusal(error) });
  }
});
post({
  kind: "answers",
  names: Object.fromEntries(Object.entries(KINDS).map(([name, { answers }]) => [name, Object.keys(answers)])),
});
