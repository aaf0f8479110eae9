// Every word on screen comes from the catalogue: no module draws a literal word.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import ts from "typescript";
import { sharedWords } from "../../gptviz/widgets/shared/words.js";

const PACKAGE = new URL("../../gptviz/", import.meta.url);
const READ_ATTRIBUTES = new Set([
  "title",
  "placeholder",
  "alt",
  "aria-label",
  "aria-valuetext",
  "aria-description",
  "aria-roledescription",
]);
const READ_PROPERTIES = new Set(["textContent", "innerText", "nodeValue", "title", "placeholder", "alt", "ariaLabel"]);
const TAKES_TEXT = new Set([
  "append",
  "prepend",
  "before",
  "after",
  "replaceWith",
  "replaceChildren",
  "createTextNode",
]);
const KEEPS_TEXT = new Set([
  "filter",
  "join",
  "concat",
  "trim",
  "replace",
  "replaceAll",
  "padStart",
  "padEnd",
  "slice",
]);
const MAKES_TEXT = new Set(["map", "flatMap"]); // they are often called on lists of names
const WORD = /\p{L}{2}|\p{Script=Han}/u;

/** The literal texts that an expression may become. @param {ts.Node} node @returns {string[]} */
function texts(node) {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node)) {
    return [node.head.text, ...node.templateSpans.flatMap((span) => [span.literal.text, ...texts(span.expression)])];
  }
  if (ts.isConditionalExpression(node)) return [...texts(node.whenTrue), ...texts(node.whenFalse)];
  if (ts.isBinaryExpression(node)) {
    const compares = /^(===|!==|==|!=|<|>|<=|>=|in|instanceof)$/.test(node.operatorToken.getText());
    return compares ? [] : [...texts(node.left), ...texts(node.right)];
  }
  if (ts.isCallExpression(node)) {
    // other functions return words of the catalogue, or draw text themselves
    if (!ts.isPropertyAccessExpression(node.expression)) return [];
    const { name, expression } = node.expression;
    if (MAKES_TEXT.has(name.text)) return node.arguments.filter(ts.isArrowFunction).flatMap(texts);
    return KEEPS_TEXT.has(name.text) ? texts(expression) : [];
  }
  if (ts.isArrowFunction(node)) return ts.isBlock(node.body) ? returned(node.body) : texts(node.body);
  if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) || ts.isIdentifier(node)) return [];
  return children(node).flatMap(texts);
}

/** @param {ts.Node} node @returns {ts.Node[]} */
function children(node) {
  /** @type {ts.Node[]} */
  const found = [];
  node.forEachChild((child) => {
    found.push(child);
  });
  return found;
}

/** @param {ts.Node} body @returns {string[]} */
function returned(body) {
  if (ts.isReturnStatement(body)) return body.expression ? texts(body.expression) : [];
  return ts.isFunctionLike(body) ? [] : children(body).flatMap(returned);
}

/** The expressions that a node of the syntax tree puts on screen. @param {ts.Node} node @returns {ts.Node[]} */
function shown(node) {
  if (ts.isPropertyAssignment(node) && READ_ATTRIBUTES.has(node.name.getText().replaceAll('"', "")))
    return [node.initializer];
  if (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    ts.isPropertyAccessExpression(node.left) &&
    READ_PROPERTIES.has(node.left.name.text)
  )
    return [node.right];
  if (!ts.isCallExpression(node)) return [];
  const { expression, arguments: given } = node;
  const name = ts.isIdentifier(expression) ? expression.text : "";
  if (name === "element") return given.slice(2);
  if (name === "setText") return given.slice(1);
  if (!ts.isPropertyAccessExpression(expression)) return [];
  if (expression.name.text === "setAttribute" && READ_ATTRIBUTES.has(/** @type {any} */ (given[0]).text))
    return [given[1]];
  return TAKES_TEXT.has(expression.name.text) ? [...given] : [];
}

/** Words that a module shows but that are not in the catalogue. @param {string} source */
function ownWords(source) {
  const all = (/** @type {ts.Node} */ node) => /** @type {ts.Node[]} */ ([node, ...children(node).flatMap(all)]);
  const tree = ts.createSourceFile("module.js", source, ts.ScriptTarget.Latest, true);
  return all(tree)
    .flatMap(shown)
    .flatMap(texts)
    .filter((text) => WORD.test(text));
}

test("every word in a view comes from the catalogue", () => {
  const files = readdirSync(PACKAGE, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".js") && !name.endsWith("words.js"),
  );
  const found = files
    .map((name) => [name, ownWords(readFileSync(new URL(name, PACKAGE), "utf8"))])
    .filter(([, words]) => words.length);
  assert.deepEqual(Object.fromEntries(found), {}, "into words.js");
});

test("whatever an index can count has a Chinese name", () => {
  const files = readdirSync(PACKAGE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".py"));
  const sources = files.map((name) => readFileSync(new URL(name, PACKAGE), "utf8")).join("\n");
  const calls = [...sources.matchAll(/check_index\((?:[^()]|\([^()]*\))*?, "([a-z ]+)"/g)];
  const counted = new Set(["query", "key", "neuron", ...calls.map((call) => call[1])]); // the first three by a variable
  assert.ok(counted.size > 8, [...counted].join());
  const { known } = sharedWords(/** @type {any} */ ({ get: () => "zh" })).errors;
  for (const what of counted) {
    for (const text of [known.out_of_range({ what, least: 0, last: 3, got: 4 }), known.none_here({ what })])
      assert.doesNotMatch(text, /[a-z]/i, what);
  }
});

test("a view adds the refusals that it can meet, in both languages", async () => {
  const codes = (/** @type {string} */ language) =>
    Object.keys(sharedWords(/** @type {any} */ ({ get: () => language })).errors.known);
  assert.ok(!codes("en").includes("merges_kind"));
  for (const view of ["tokens", "explorer", "attention"]) await import(`../../gptviz/widgets/${view}/words.js`);
  for (const code of ["merges_kind", "needs_download", "prompt_too_long", "no_attention", "out_of_range"])
    for (const language of ["en", "zh"]) assert.ok(codes(language).includes(code), `${code} ${language}`);
});

test("every refusal with a code has a text in both languages, and the Chinese one needs no English reason", async () => {
  const files = readdirSync(PACKAGE, { recursive: true, encoding: "utf8" });
  for (const name of files.filter((file) => file.endsWith("words.js"))) await import(`../../gptviz/${name}`);
  const sources = files
    .filter((name) => name.endsWith(".py"))
    .map((name) => readFileSync(new URL(name, PACKAGE), "utf8"));
  const found = sources.flatMap((text) =>
    [...text.matchAll(/(?:code=|NotAvailable, )"([a-z_]+)"/g)].map(([, code]) => code),
  );
  const codes = new Set(found);
  assert.ok(codes.size > 30, [...codes].join());
  const [en, zh] = ["en", "zh"].map(
    (language) => sharedWords(/** @type {any} */ ({ get: () => language })).errors.known,
  );
  for (const code of codes) {
    assert.ok(code in en && code in zh, `${code}: into a file of refusals that the views import which meet it`);
  }
  const reasons = sources.flatMap((text) =>
    [...text.matchAll(/_no_(?:heads|keys)\(layer, "([^"]+)"/g)].map(([, why]) => why),
  );
  assert.equal(reasons.length, 5);
  const known = /** @type {Record<string, (facts: any) => string>} */ (/** @type {unknown} */ (zh));
  for (const reason of reasons) {
    assert.doesNotMatch(known.no_sum_over_heads({ layer: 2, family: "", reason }), /[a-z]{3}/i, reason);
  }
  const parts = sources.flatMap((text) =>
    [...text.matchAll(/check_not_edited\("\w+", layer, "([^"]+)"/g)].map(([, what]) => what),
  );
  assert.equal(parts.length, 2);
  for (const what of parts) assert.doesNotMatch(known.part_was_set({ layer: 2, what }).replace("MLP", ""), /[a-z]{3}/i);
});

test("the check finds a literal word wherever it is used", () => {
  for (const source of [
    'setText(node, "computing")',
    "setText(node, 'not yet')",
    'setText(node, on ? "off" : words.on)',
    'element("p", {}, "off")',
    'element("p", {}, `${n} tokens left`)',
    'element("p", {}, "Wait: not ready, sorry")',
    'element("i", { title: "layer" })',
    'element("i", { "aria-label": `head ${n}` })',
    'node.textContent = "词元"',
    'node.title = n + " tokens"',
    "node.append(` at `, n)",
    'element("ul", {}, ...all.map((one) => element("li", {}, "key")))',
    'element("ul", {}, ...all.map((one) => "key " + one))',
    'list.replaceChildren(...all.map((one) => { if (one) return "none"; }))',
    'node.setAttribute("title", "look here")',
    'element("p", {}, words.sum ?? "sum")',
    'element("p", {}, "Look here!")',
    'element("p", {}, "key · value")',
  ])
    assert.equal(ownWords(source).length > 0, true, source);
});

test("the check ignores strings that are never shown", () => {
  for (const source of [
    'element("section", { class: "muted small", "data-kind": "sum" }, words.title)',
    'element("p", {}, `${a} · ${b} %`)',
    'setText(node, kind === "sum" ? words.sum : words.share)',
    'ask(model, "head", { layer })',
    'node.dataset.kind = "sum"',
    'node.setAttribute("role", "status")',
    'setText(node, words.stages["raw"])',
    'root.append(chip(token), element("b", { class: "wide" }))',
  ])
    assert.deepEqual(ownWords(source), [], source);
});
