// Prints how long the engine takes on the embedded model; run by tests/benchmarks/engine.py. Argument: the model's folder.
import fs from "node:fs";
import path from "node:path";
import { cuts } from "../../gptviz/pages/engine/cuts.js";
import { ablateHead } from "../../gptviz/pages/engine/edits.js";
import { flowShares } from "../../gptviz/pages/engine/flow.js";
import { generate } from "../../gptviz/pages/engine/generate.js";
import { GPT } from "../../gptviz/pages/engine/gpt.js";
import { attribution, logitLens } from "../../gptviz/pages/engine/lens.js";
import { Safetensors } from "../../gptviz/pages/engine/safetensors.js";
import { Tokenizer } from "../../gptviz/pages/engine/tokenizer.js";

const file = (name) => fs.readFileSync(path.join(process.argv[2], name));
const TEXT = "Once upon a time there was a little girl called Mary, who lived in a house by the river. ".repeat(20);

/** Prints the median of several runs, in milliseconds, and returns the last result. */
function time(what, run, rounds = 7) {
  const times = [];
  let result;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    result = run();
    times.push(performance.now() - start);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(rounds / 2)];
  console.log(`${what.padEnd(52)} ${median.toFixed(1).padStart(8)} ms`);
  return result;
}

const tokenizer = time(
  "tokenizer, from its JSON text",
  () => new Tokenizer(JSON.parse(file("tokenizer.json").toString())),
);
const buffer = new Uint8Array(file("model.safetensors")).buffer;
const config = JSON.parse(file("config.json").toString());
const gpt = time("weights, from the bytes of the file", () => new GPT(new Safetensors(buffer), config));
const ids = time("ids of a text of 400 tokens", () => tokenizer.encode(TEXT)).slice(0, 400);
for (const tokens of [16, 32, 64, 400])
  time(
    `pass over ${tokens} tokens, and the last logits`,
    () => gpt.run(ids.slice(0, tokens)).logits(),
    tokens > 64 ? 3 : 7,
  );
time("the same of 16 with a head off", () => gpt.run(ids.slice(0, 16), { edits: [ablateHead(0, 5)] }).logits());
time(
  "60 tokens after 32, each drawn",
  () => [...generate(gpt, tokenizer, ids.slice(0, 32), { maxTokens: 60, seed: 1 })].length,
  3,
);
const pass = gpt.run(ids.slice(0, 16));
time("all 48 maps of 16 tokens", () => Array.from({ length: 48 }, (_, i) => pass.attention(Math.floor(i / 8), i % 8)));
time("logit lens of a token", () => logitLens(pass));
time("attribution of a logit", () => attribution(pass, 5));
time("cuts of a token", () => cuts(pass, 5));
time("flow shares of 16 tokens", () => flowShares(pass));
