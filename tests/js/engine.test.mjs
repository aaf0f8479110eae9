// The engine's parts on examples worked by hand. tests/pages/test_engine*.py compare it with Python on whole models.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gelu, layerNorm, linear, softmax } from "../../gptviz/pages/engine/arithmetic.js";
import { Cache } from "../../gptviz/pages/engine/cache.js";
import { ablateKey, patch, setAttention, steer } from "../../gptviz/pages/engine/edits.js";
import { nodeShares } from "../../gptviz/pages/engine/flow.js";
import { mergeWord, pairKey } from "../../gptviz/pages/engine/merging.js";
import { Safetensors } from "../../gptviz/pages/engine/safetensors.js";
import { ContinuationText } from "../../gptviz/pages/engine/stopping.js";
import { decodeBytes, readable, Tokenizer } from "../../gptviz/pages/engine/tokenizer.js";
import { checkConfig } from "../../gptviz/pages/engine/weights.js";
import { assertClose, FLOAT32 } from "./close.mjs";

/** Returns the bytes of a safetensors file with these tensors: [name, dtype, shape, typed array]. */
function file(tensors, padding = "") {
  const header = {};
  let at = 0;
  for (const [name, dtype, shape, data] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const text = new TextEncoder().encode(`${JSON.stringify({ __metadata__: { format: "pt" }, ...header })}${padding}`);
  const bytes = new Uint8Array(8 + text.length + at);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  for (const [name, , , data] of tensors)
    bytes.set(new Uint8Array(data.buffer), 8 + text.length + header[name].data_offsets[0]);
  return bytes.buffer;
}

test("float16 and float32 are read exactly, wherever the header ends", () => {
  // 1, −2, the largest, the smallest, the smallest normal, 1/3 rounded, −0, infinity (IEEE 754, binary16)
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x3555, 0x8000, 0x7c00);
  const expected = [1, -2, 65504, 2 ** -24, 2 ** -14, 0.333251953125, -0, Infinity];
  for (const padding of ["", " ", "  ", "   "]) {
    const read = new Safetensors(
      file(
        [
          ["a", "F16", [2, 4], halves],
          ["b", "F32", [3], Float32Array.of(0.1, -7, 1e9)],
        ],
        padding,
      ),
    );
    assert.deepEqual([...read.floats("a", [2, 4])], expected);
    assert.deepEqual([...read.floats("b", [3])], [Math.fround(0.1), -7, 1e9]);
    assert.ok(read.has("a") && !read.has("__metadata__"));
  }
  const nan = new Safetensors(file([["a", "F16", [1], Uint16Array.of(0x7e00)]]));
  assert.ok(Number.isNaN(nan.floats("a", [1])[0]));
});

test("a file that is damaged or of another model is refused in words", () => {
  const whole = file([
    ["a", "F16", [2], Uint16Array.of(1, 2)],
    ["c", "BF16", [1], Uint16Array.of(1)],
  ]);
  const read = new Safetensors(whole);
  assert.throws(() => read.floats("b", [2]), /the tensor b. Got none/);
  assert.throws(() => read.floats("a", [3]), /a of shape \(3\). Got \(2\)/);
  assert.throws(() => read.floats("c", [1]), /float16 or float32. Got c in BF16/);
  assert.throws(() => new Safetensors(whole.slice(0, 40)), /whole safetensors file/);
  assert.throws(() => new Safetensors(new ArrayBuffer(3)), /whole safetensors file/);
  assert.throws(() => new Safetensors(whole.slice(0, -5)).floats("a", [2]), /damaged/);
});

test("a linear map is right for every number of tokens and outputs", () => {
  for (const tokens of [1, 2, 3, 4])
    for (const outputs of [1, 3, 4, 6, 9]) {
      const inputs = 5;
      const x = Float32Array.from({ length: tokens * inputs }, (_, i) => (i % 7) - 3);
      const weight = Float32Array.from({ length: outputs * inputs }, (_, i) => ((i * i) % 11) - 5);
      const bias = Float32Array.from({ length: outputs }, (_, i) => 100 * i);
      const expected = Array.from({ length: tokens * outputs }, (_, at) => {
        const [token, output] = [Math.floor(at / outputs), at % outputs];
        const products = Array.from({ length: inputs }, (_, i) => x[token * inputs + i] * weight[output * inputs + i]);
        return products.reduce((a, b) => a + b, 100 * output);
      });
      assert.deepEqual(
        [...linear(x, { weight, bias, inputs, outputs })],
        expected,
        `${tokens} tokens, ${outputs} outputs`,
      );
    }
});

test("norm, activation function and softmax, worked by hand", () => {
  const norm = { gain: Float32Array.of(1, 2), offset: Float32Array.of(0, 10) };
  assert.deepEqual([...layerNorm(Float32Array.of(1, 3, 4, 4), norm, 0)].slice(0, 2), [-1, 12]); // mean 2, deviation 1
  assert.deepEqual([...layerNorm(Float32Array.of(4, 4), norm, 1)], [0, 10]);
  // x · Φ(x) at 1 and −1 is 0.8413 and −0.1587
  const [zero, one, minusOne, large] = gelu(Float32Array.of(0, 1, -1, 20));
  const differsBy = 5e-4; // the approximation is another one in the fourth digit
  assert.ok(Math.abs(one - 0.8413) < differsBy && Math.abs(minusOne + 0.1587) < differsBy);
  assert.deepEqual([zero, large], [0, 20]);
  const shares = softmax(Float32Array.of(1000 + Math.log(3), 1000), 1);
  assertClose(shares[0], 0.75, FLOAT32, 1000);
  assertClose(shares[1], 0.25, FLOAT32, 1000);
});

test("merges: the lowest rank first, the leftmost of equal ones, and those that a merge makes possible", () => {
  // a b c: 0 1 2; ab 3 at rank 1, bc 4 at rank 0, abc 5 at rank 2 from ab and c, aa 6 at rank 3
  const merges = new Map([
    [pairKey(0, 1), { rank: 1, id: 3 }],
    [pairKey(1, 2), { rank: 0, id: 4 }],
    [pairKey(3, 2), { rank: 2, id: 5 }],
    [pairKey(0, 0), { rank: 3, id: 6 }],
  ]);
  assert.deepEqual(mergeWord([0, 1, 2], merges), [0, 4]);
  assert.deepEqual(mergeWord([0, 1, 0], merges), [3, 0]);
  assert.deepEqual(mergeWord([0, 0, 0, 0, 0], merges), [6, 6, 0]);
  assert.deepEqual(mergeWord([0, 0, 1], merges), [0, 3]);
  assert.deepEqual(mergeWord([], merges), []);
  assert.deepEqual(mergeWord([2], merges), [2]);
});

test("a long word takes no time that grows with its square", () => {
  // Looking through the whole word for each merge would take minutes.
  const merges = new Map([
    [pairKey(0, 0), { rank: 0, id: 1 }],
    [pairKey(1, 1), { rank: 1, id: 2 }],
  ]);
  assert.deepEqual(mergeWord(Array(2 ** 18).fill(0), merges), Array(2 ** 16).fill(2));
});

test("bytes that are no character are written one by one, and a byte order mark is kept", () => {
  assert.equal(readable(Uint8Array.of(0x41, 0xf0, 0x9f, 0x98, 0x80)), "A😀");
  assert.equal(readable(Uint8Array.of(0xe2, 0x82, 0x41)), "\\xe2\\x82A");
  assert.equal(readable(Uint8Array.of(0x80, 0xc3)), "\\x80\\xc3");
  assert.equal(decodeBytes([0xef, 0xbb, 0xbf, 0x41]), "\ufeffA");
});

/** A tokenizer whose tokens are the 256 bytes, and "<|end|>" with the id 256. */
function byteTokenizer(change = {}) {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  let others = 0x100;
  const isPrintable = (byte) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const written = bytes.map((byte) => String.fromCharCode(isPrintable(byte) ? byte : others++));
  const end = { id: 256, content: "<|end|>", special: true, single_word: false, lstrip: false, rstrip: false };
  return new Tokenizer({
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    added_tokens: [end],
    model: { type: "BPE", vocab: Object.fromEntries(written.map((piece, id) => [piece, id])), merges: [] },
    ...change,
  });
}

test("other kinds of tokenizers are refused in words", () => {
  for (const change of [{ normalizer: { type: "NFC" } }, { decoder: { type: "WordPiece" } }, { pre_tokenizer: null }])
    assert.throws(() => byteTokenizer(change), /byte-level BPE tokenizer as GPT-2 has/);
  assert.throws(
    () => byteTokenizer({ post_processor: { type: "BertProcessing" } }),
    /by a template. Got BertProcessing/,
  );
  assert.throws(() => byteTokenizer().encode("ab\ud800c"), /a lone surrogate at 2/);
  assert.throws(() => byteTokenizer().encode("😀\udc00"), /a lone surrogate at 1/);
});

test("merges may be written as one string, and a template may add tokens on both sides of a text", () => {
  const { written, special } = byteTokenizer();
  const vocab = Object.fromEntries([...written].filter(([id]) => !special.has(id)).map(([id, piece]) => [piece, id]));
  const model = { type: "BPE", vocab: { ...vocab, th: 300, the: 301 }, merges: ["t h", ["th", "e"]] };
  const part = (id) => ({ SpecialToken: { id } });
  const single = [part("<|end|>"), { Sequence: { id: "A" } }, part("</s>"), part("</s>")];
  const named = { "<|end|>": { ids: [256] }, "</s>": { ids: [257] } };
  const post_processor = {
    type: "Sequence",
    processors: [{ type: "ByteLevel" }, { type: "TemplateProcessing", single, special_tokens: named }],
  };
  const tokenizer = byteTokenizer({ model, post_processor });
  assert.deepEqual(tokenizer.encode("the<|end|>th"), [256, 301, 256, 300, 257, 257]);
  assert.deepEqual(tokenizer.encode("the<|end|>th", false), [301, 256, 300]);
  assert.equal(tokenizer.decode([256, 301, 300]), "theth");
});

test("a cache holds no more than it was made for, and a branch of it goes on by itself", () => {
  const cache = new Cache({ nLayers: 1, dModel: 2 }, 2);
  cache.add(0, Float32Array.of(1, 2), Float32Array.of(3, 4));
  cache.length = 1;
  const branch = cache.fork(3);
  const { keys, values } = branch.add(0, Float32Array.of(5, 6, 7, 8), Float32Array.of(0, 0, 0, 9));
  assert.deepEqual([...keys, ...values], [1, 2, 5, 6, 7, 8, 3, 4, 0, 0, 0, 9]);
  assert.deepEqual([...cache.add(0, Float32Array.of(10, 11), Float32Array.of(12, 13)).keys], [1, 2, 10, 11]);
  assert.throws(() => cache.add(0, new Float32Array(4), new Float32Array(4)), /at most 2 tokens in this cache. Got 3/);
});

test("models with other arithmetic are refused in words", () => {
  const gpt2 = { model_type: "gpt2", activation_function: "gelu_new" };
  assert.doesNotThrow(() => checkConfig(gpt2));
  assert.throws(() => checkConfig({ ...gpt2, model_type: "llama" }), /a GPT-2 with model_type gpt2. Got llama/);
  assert.throws(() => checkConfig({ ...gpt2, activation_function: "relu" }), /gelu_new. Got relu/);
  assert.throws(() => checkConfig({ ...gpt2, scale_attn_by_inverse_layer_idx: true }), /false. Got true/);
});

test("text is released when it is certain: whole characters, and nothing that could begin a stop string", () => {
  const tokenizer = byteTokenizer();
  const release = (prompt, text, stops) => {
    const growing = new ContinuationText(tokenizer, tokenizer.encode(prompt), stops);
    const released = [];
    const ids = tokenizer.encode(text);
    for (const [i, id] of ids.entries()) {
      released.push(growing.add(id, { ends: false, last: i === ids.length - 1 }));
      if (growing.stopped) break;
    }
    return released;
  };
  assert.deepEqual(release("", "aé", []), ["a", "", "é"]);
  assert.deepEqual(release("", "a##b###c", ["###"]), ["a", "", "", "##b", "", "", ""]);
  assert.deepEqual(release("", "a##", ["###"]), ["a", "", "##"]); // nothing follows, so nothing is held back
  assert.deepEqual(release("", "x<|end|>y", ["x<|end|>"]), ["", ""]); // written out, the special token is part of the stop
  assert.deepEqual(release("", "x<|end|>y", ["y"]), ["x", "", ""]);
  assert.deepEqual(release("", "x<|end|>y", ["<|"]), ["x", ""]);
});

test("a character that the prompt begins belongs to the continuation that completes it", () => {
  const tokenizer = byteTokenizer();
  const [first, ...rest] = tokenizer.encode("é");
  const growing = new ContinuationText(tokenizer, [65, first], []);
  assert.equal(growing.add(rest[0], { ends: false, last: false }), "é");
  const broken = new ContinuationText(tokenizer, [65, first], []);
  assert.equal(broken.add(65, { ends: false, last: false }), "A");
});

test("shares of a sum: by proximity; by length where no part is near; the first part's where there is nothing", () => {
  const part = (...row) => ({ row: Float32Array.from(row) });
  const whole = Float32Array.of(3, -1); // |y| = 4; |y − p| is 2, 1 and 5, so the proximities are 2, 3 and 0
  assert.deepEqual(nodeShares(whole, [part(1, -1), part(2, -1), part(0, 1)]), [2 / 5, 3 / 5, 0]);
  assert.deepEqual(nodeShares(Float32Array.of(1), [part(5), { row: Float32Array.of(2), factor: -2 }]), [5 / 9, 4 / 9]);
  assert.deepEqual(nodeShares(Float32Array.of(0), [part(0), part(0)]), [1, 0]);
});

test("edits that mean nothing are refused in words", () => {
  assert.throws(() => setAttention(0, 0, 2, [1, 0]), /3 weights, one for each key up to the query/);
  assert.throws(() => setAttention(0, 0, 1, [0, 0]), /positive sum/);
  assert.throws(() => setAttention(0, 0, 1, [2, -1]), /at least 0/);
  assert.throws(() => ablateKey(0, 1, 2), /a key up to position 1/);
  assert.throws(() => steer(0, [1, NaN]), /finite vector/);
  assert.throws(() => patch("nowhere", 0, null, /** @type {any} */ ({})), /one of the sites residual/);
});
