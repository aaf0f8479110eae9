// @ts-check
/**
 * Edits as the page writes them, {kind: "ablate_head", layer: 3, head: 2}: as edits of the engine, and as Python code.
 * What `edit_list.py` and `code.py` do beside a kernel.
 */

import { ablateAttention, ablateHead, ablateKey, ablateMLP, patch, scaleHead, setAttention } from "../engine/edits.js";
import { checkIndex, fail } from "../engine/errors.js";

/** @typedef {import("./reading.js").Reading} Reading */
/** @typedef {import("../../widgets/shared/edits.js").Edit} Spec */
/** @typedef {import("../engine/edits.js").Edit} Edit */

/** What makes the edit of a spec. @type {Record<string, (spec: Spec, source: (held: any) => Reading) => Edit>} */
const MAKERS = {
  ablate_head: ({ layer, head }) => ablateHead(layer, head),
  ablate_mlp: ({ layer, position = null }) => ablateMLP(layer, position),
  ablate_attention: ({ layer, position = null }) => ablateAttention(layer, position),
  ablate_key: ({ layer, query, key, head = null, renormalise = true }) =>
    ablateKey(layer, query, key, head, renormalise),
  scale_head: ({ layer, head, factor }) => scaleHead(layer, head, factor),
  set_attention: ({ layer, head, query, weights }) => setAttention(layer, head, query, weights),
  patch: ({ layer, position = null, head = null, site = "residual", source }, held) =>
    patch(site, layer, position, held(source).pass, head),
};

/** The arguments of an edit in Python: those without a name, then those by name. @type {Record<string, string[][]>} */
const ARGUMENTS = {
  ablate_head: [["layer", "head"], []],
  ablate_mlp: [["layer"], ["position"]],
  ablate_attention: [["layer"], ["position"]],
  ablate_key: [
    ["layer", "query", "key"],
    ["head", "renormalise"],
  ],
  scale_head: [["layer", "head", "factor"], []],
  set_attention: [["layer", "head", "query", "weights"], []],
};
const FLOATS = ["weights", "factor"];
const NAMED_BY_THE_PAGE = ["ablate_head", "ablate_mlp"];

export class EditList {
  constructor() {
    /** The passes that patches take numbers from; in a spec each is its number, {held: 0}. @type {Reading[]} */
    this.held = [];
  }

  /** @param {Reading} reading */
  hold(reading) {
    this.held.push(reading);
    return { held: this.held.length - 1 };
  }

  /** Returns the edits of specs. @param {Spec[]} specs */
  edits(specs) {
    return specs.map((spec) => {
      if (!Object.hasOwn(MAKERS, spec.kind))
        throw fail(`an edit among ${Object.keys(MAKERS).join(", ")}`, `${spec.kind}`, "Reload the page.");
      return MAKERS[spec.kind](spec, (source) => this.source(source));
    });
  }

  /** @param {{held: number}} source */
  source({ held }) {
    return this.held[checkIndex(held, this.held.length, "held value")];
  }

  /** Returns the code that makes an edit. @param {Spec} spec @param {(source: any) => string} [named] of a held pass */
  code(spec, named = () => "source") {
    const { kind, layer, position = null, head = null, site = "residual", source } = spec;
    if (kind === "patch") {
      const where = `${literal(site)}, ${layer}, ${position ?? "None"}`;
      return `gptviz.patch(${where}, source=${named(source)}${head === null ? "" : `, head=${head}`})`;
    }
    const [unnamed, byName] = ARGUMENTS[kind];
    const parts = unnamed.map((name) => literal(spec[name], FLOATS.includes(name)));
    for (const name of byName) if (name in spec) parts.push(`${name}=${literal(spec[name])}`);
    return `gptviz.${kind}(${parts.join(", ")})`;
  }

  /** Returns a spec as Python sends it: with its code, unless the page can name it by itself. @param {Spec} spec */
  sent(spec) {
    const isPlain = NAMED_BY_THE_PAGE.includes(spec.kind) && !("position" in spec);
    return isPlain ? spec : { ...spec, code: this.code(spec) };
  }

  /** Returns the lines that make an edited pass. @param {Reading} reading @param {Spec[]} specs */
  codeOfPass(reading, specs) {
    /** @type {Map<string, string>} */
    const names = new Map();
    const named = (/** @type {{held: number}} */ held) => {
      const call = traceCall(this.source(held));
      if (!names.has(call)) names.set(call, names.size ? `source_${names.size + 1}` : "source");
      return /** @type {string} */ (names.get(call));
    };
    const edits = specs.map((spec) => `    ${this.code(spec, named)},\n`).join("");
    const lines = [...names].map(([call, name]) => `${name} = ${call}`);
    const last = `trace = gpt.trace(${promptOf(reading)}, edits=[\n${edits}])`;
    return [...lines, last].join("\n");
  }
}

/** @param {Reading} reading */
function traceCall(reading) {
  return `gpt.trace(${promptOf(reading)})`;
}

/**
 * Returns the prompt of a reading as Python code: its text, or its ids if the text gives other tokens.
 * @param {Reading} reading
 */
function promptOf({ model, text, ids }) {
  return `${model.tokenizer.encode(text)}` === `${ids}` ? literal(text) : literal(ids);
}

/**
 * Returns a value as Python code.
 * @param {any} value
 * @param {boolean} [isFloat] whether numbers are float
 * @returns {string}
 */
function literal(value, isFloat = false) {
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, isFloat)).join(", ")}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value === null) return "None";
  return isFloat ? floatLiteral(value) : String(value);
}

/** Returns a number as Python writes a float. @param {number} value */
function floatLiteral(value) {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e16)) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits, exponent] = value.toExponential().split("e");
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** Whether an edit acts at one position, and so belongs to one prompt only. @param {Spec} spec */
function namesAPosition(spec) {
  return "position" in spec || "query" in spec;
}

/**
 * Returns the traits of an edited view for another text: the edits that it keeps, and those that it cannot.
 * @param {EditList} list
 * @param {Spec[]} specs
 */
export function keptEdits(list, specs) {
  return {
    _edits: specs.filter((spec) => !namesAPosition(spec)).map((spec) => list.sent(spec)),
    _dropped: specs.filter(namesAPosition).map((spec) => list.sent(spec)),
  };
}
