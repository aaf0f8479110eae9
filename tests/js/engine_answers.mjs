// Answers questions with the engine, for the tests in Python that compare the answers with a model's own numbers.
// Reads the questions as JSON from its standard input, and writes the answers as JSON to its standard output.
import fs from "node:fs";
import { cuts, keyCuts } from "../../gptviz/pages/engine/cuts.js";
import {
  ablateAttention,
  ablateHead,
  ablateKey,
  ablateMLP,
  ablateNeuron,
  patch,
  scaleHead,
  setAttention,
  steer,
} from "../../gptviz/pages/engine/edits.js";
import { EngineError } from "../../gptviz/pages/engine/errors.js";
import { credit, flowShares } from "../../gptviz/pages/engine/flow.js";
import { generate } from "../../gptviz/pages/engine/generate.js";
import { GPT } from "../../gptviz/pages/engine/gpt.js";
import { attribution, logitLens, neuronShares } from "../../gptviz/pages/engine/lens.js";
import { Safetensors } from "../../gptviz/pages/engine/safetensors.js";
import { Tokenizer, words } from "../../gptviz/pages/engine/tokenizer.js";

const json = (path) => JSON.parse(fs.readFileSync(path, "utf8"));
const questions = JSON.parse(fs.readFileSync(0, "utf8"));
const tokenizer = questions.tokenizer && new Tokenizer(json(questions.tokenizer));
const gpt =
  questions.weights &&
  new GPT(new Safetensors(new Uint8Array(fs.readFileSync(questions.weights)).buffer), json(questions.config));

const MAKERS = {
  ablateAttention,
  ablateHead,
  ablateKey,
  ablateMLP,
  ablateNeuron,
  patch,
  scaleHead,
  setAttention,
  steer,
};

/** What can be asked about a pass besides its methods. */
const READINGS = {
  logitLens,
  attribution,
  neuronShares,
  cuts,
  keyCuts,
  flow: (pass, position) => {
    const blocks = flowShares(pass);
    return { blocks, importance: credit(blocks, position) };
  },
};
const passes = {};

/** Returns the edits of a question: [name, ...arguments], where {pass} names an earlier pass. */
function edits(given = []) {
  return given.map(([name, ...values]) =>
    MAKERS[name](...values.map((value) => (value?.pass ? passes[value.pass] : value))),
  );
}

/** Runs a pass, and answers [name, ...arguments] about it. after: the pass whose text it continues. */
function answerPass({ name, ids, after, asked = [], ...rest }) {
  const cache = after && passes[after].cache.fork(passes[after].size + ids.length);
  const pass = gpt.run(ids, { edits: edits(rest.edits), ...(cache && { cache }) });
  passes[name] = pass;
  return asked.map(([what, ...values]) => (READINGS[what] ? READINGS[what](pass, ...values) : pass[what](...values)));
}

const answer = {
  encode: ([text, special]) => tokenizer.encode(text, special),
  words: (text) => words(text),
  decode: (ids) => tokenizer.decode(ids),
  tokens: (ids) => ids.map((id) => tokenizer.token(id)),
  pass: answerPass,
  generate: ({ ids, settings = {} }) => [
    ...generate(gpt, tokenizer, ids, { ...settings, edits: edits(settings.edits) }),
  ],
};

/** Answers one question; an error of the engine is an answer too. */
function answered([kind, question]) {
  try {
    return answer[kind](question);
  } catch (error) {
    if (error instanceof EngineError) return { error: error.message };
    throw error;
  }
}

/** JSON has no typed arrays and no infinity. */
const written = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value === -Infinity ? "-inf" : value);
process.stdout.write(JSON.stringify(questions.asked.map(answered), written));
