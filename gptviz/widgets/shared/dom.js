// @ts-check
/** Creates elements and sets their text. Text from users and tokens only ever becomes text nodes, never markup. */

/**
 * Creates an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * Creates a button that runs `onClick`.
 * @param {string} text
 * @param {() => void} onClick
 * @param {Record<string, unknown>} [attributes]
 */
export function button(text, onClick, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, text);
  node.addEventListener("click", onClick);
  return node;
}

/**
 * Creates a text field, which keeps the keys that are pressed in it from the view around it.
 * @param {Record<string, unknown>} attributes
 */
export function textField(attributes) {
  const node = element("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  node.addEventListener("keydown", (event) => event.stopPropagation());
  return node;
}

/**
 * Creates a form that runs `onSubmit` instead of loading a page.
 * @param {Record<string, unknown>} attributes
 * @param {() => void} onSubmit
 * @param {...(Node|string)} children
 */
export function form(attributes, onSubmit, ...children) {
  const node = element("form", attributes, ...children);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit();
  });
  return node;
}

/**
 * Sets a node's text, and leaves the node alone if it has that text already.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
