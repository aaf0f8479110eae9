// @ts-check
/** The tokens of the prompt: chips with their ids under them; one of them in full, the one in hand. */
import { chip, element, followTheme, setText } from "./common.js";

/** @typedef {import("./common.js").PageToken & {hex: string}} FullToken */

const TOKENS_WORDS = {
  title: "Tokens",
  count: (/** @type {number} */ characters, /** @type {number} */ tokens) =>
    `${characters} ${characters === 1 ? "character becomes" : "characters become"} ${tokens} ${tokens === 1 ? "token" : "tokens"}; under each its id`,
  position: "position",
  id: "id",
  bytes: "bytes",
  special: "a mark of the tokenizer's own: it stands for no text",
  broken: "no whole character: shown as its bytes",
};

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const count = element("p", { class: "muted" });
  const list = element("ol", { class: "row" });
  const about = element("p", { class: "about number", role: "status" });
  const root = element("section", { class: "gptviz gptviz-tokens", "aria-label": TOKENS_WORDS.title },
    element("header", {}, element("h3", {}, TOKENS_WORDS.title), count), list, about);
  const stopTheme = followTheme(root);

  /** @param {FullToken} token */
  const tell = (token) => {
    const notes = [token.special ? TOKENS_WORDS.special : "", token.bytes ? TOKENS_WORDS.broken : ""].filter(Boolean);
    about.replaceChildren(chip(token), ` ${TOKENS_WORDS.position} ${token.position} · ${TOKENS_WORDS.id} ${token.id} · `
      + `${TOKENS_WORDS.bytes} ${token.hex}${notes.length ? ` · ${notes.join(" · ")}` : ""}`);
  };
  const show = () => {
    /** @type {FullToken[]} */
    const tokens = model.get("_tokens");
    root.dataset.scale = model.get("scale");
    setText(count, TOKENS_WORDS.count([...model.get("_text")].length, tokens.length));
    list.replaceChildren(...tokens.map((token) => {
      const item = element("li", { tabindex: 0, "data-lm-suppress-shortcuts": "true" }, chip(token),
        element("span", { class: "id number small muted" }, String(token.id)));
      item.addEventListener("pointerenter", () => tell(token));
      item.addEventListener("focus", () => tell(token));
      return item;
    }));
    if (tokens.length) tell(tokens[tokens.length - 1]);
  };
  model.on("change:_source change:scale", show);
  show();
  el.append(root);
  return () => {
    model.off("change:_source change:scale", show);
    stopTheme();
    root.remove();
  };
}

export default { render };
