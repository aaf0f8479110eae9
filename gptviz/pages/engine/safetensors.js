// @ts-check
/**
 * Reads the tensors of a safetensors file in its ArrayBuffer.
 *
 * The file begins with the length of its header in 8 bytes. The header is JSON with the dtype, the shape and the place
 * of each tensor; the numbers of all tensors follow, little-endian. Source: the format of huggingface/safetensors.
 */

import { fail } from "./errors.js";

/** @typedef {{dtype: string, shape: number[], data_offsets: [number, number]}} Entry */

const PREFIX = 8; // bytes, with the length of the header
/** The dtypes that are read, and the bytes of one number. @type {Record<string, number>} */
const BYTES = { F16: 2, F32: 4 };

export class Safetensors {
  /** @param {ArrayBuffer} buffer the whole file */
  constructor(buffer) {
    this.buffer = buffer;
    const size = buffer.byteLength >= PREFIX ? Number(new DataView(buffer).getBigUint64(0, true)) : Infinity;
    this.start = PREFIX + size; // where the numbers begin
    if (this.start > buffer.byteLength)
      throw fail("a whole safetensors file", `${buffer.byteLength} bytes, which end in its header`, "Load it again.");
    /** @type {Map<string, Entry>} */
    this.entries = new Map(Object.entries(JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, PREFIX, size)))));
    this.entries.delete("__metadata__");
  }

  /** Whether the file has a tensor. @param {string} name */
  has(name) {
    return this.entries.has(name);
  }

  /**
   * Returns the numbers of a tensor as float32, in row order. Those of float32 are read in place, where the file's
   * alignment allows it; those of float16 are converted, without loss.
   * @param {string} name
   * @param {number[]} shape that it must have
   */
  floats(name, shape) {
    const entry = this.entries.get(name);
    if (!entry) throw fail(`a file with the tensor ${name}`, "none of that name", "Save the whole model.");
    const width = BYTES[entry.dtype];
    if (!width)
      throw fail("weights in float16 or float32", `${name} in ${entry.dtype}`, "Convert and save them again.");
    if (`${entry.shape}` !== `${shape}`)
      throw fail(`${name} of shape (${shape})`, `(${entry.shape})`, "Take weights and config.json of one model.");
    const [from, to] = entry.data_offsets.map((offset) => this.start + offset);
    const count = shape.reduce((product, size) => product * size, 1);
    if (to - from !== count * width || to > this.buffer.byteLength)
      throw fail(`${count * width} bytes for ${name}`, "fewer or more", "The file is damaged: load it again.");
    const [buffer, offset] = from % width ? [this.buffer.slice(from, to), 0] : [this.buffer, from];
    if (entry.dtype === "F32") return new Float32Array(buffer, offset, count);
    const table = halves();
    const bits = new Uint16Array(buffer, offset, count);
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i++) numbers[i] = table[bits[i]];
    return numbers;
  }
}

/** The float32 of each of the 65,536 float16 numbers. @type {Float32Array|null} */
let halfTable = null;

function halves() {
  halfTable ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => fromHalf(bits));
  return halfTable;
}

/** Returns the number of a float16: 1 bit of sign, 5 of exponent, 10 of fraction (IEEE 754). @param {number} bits */
function fromHalf(bits) {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction) : sign * 2 ** -14 * fraction;
}
