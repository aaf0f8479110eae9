// @ts-check
/** The tokens of the prompt: chips with their ids under them; one of them in full, the one in hand. */
import { chip } from "../shared/chips.js";
import { element, setText } from "../shared/dom.js";
import { mount, waits, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { scrollCue } from "../shared/scrolling.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @typedef {import("../shared/chips.js").PageToken & {hex: string, position: number}} FullToken */
/** @typedef {{rank: number|null, pieces: import("../shared/chips.js").PageToken[]}[]} Stages */

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const words = wordsOf(model, catalogue);
  const count = element("p", { class: "muted" });
  const list = element("ol", { class: "row numbers" });
  scrollCue(list, true);
  const about = element("p", { class: "about number numbers", role: "status" });
  const stages = element("div", {});
  const merges = element("div", { class: "merges numbers", hidden: "" }, stages);
  const wait = waits(merges, model);
  const lane = new Lane();
  const root = element(
    "section",
    { class: "gptviz gptviz-tokens", "aria-label": model.get("_title") },
    element("header", {}, element("h3", {}, model.get("_title")), count),
    list,
    about,
    merges,
  );

  /** How the token's word was put together, or why that cannot be shown. @param {FullToken} token @param {Element} asked */
  const explain = (token, asked) => {
    const show = (/** @type {Node[]} */ ...told) => {
      stages.replaceChildren(...told);
      wait(false);
    };
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === asked));
    merges.hidden = false;
    wait(true);
    lane.ask(
      () => ask(model, "merges", { position: token.position }),
      (/** @type {Stages} */ found) => {
        const lines = found.map(({ rank, pieces }) =>
          element(
            "li",
            {},
            element("span", { class: "muted small" }, rank === null ? words.apart : words.merge(rank + 1)),
            ...pieces.map((piece) => chip(piece)),
          ),
        );
        show(
          element("p", { class: "muted" }, chip(token), ` ${words.merges(token.position)}`),
          element("ol", {}, ...lines),
        );
      },
      (error) => show(element("p", { class: "muted" }, error.message)),
    );
  };
  /** @param {FullToken} token */
  const tell = (token) => {
    const notes = [token.special ? words.special : "", token.bytes ? words.broken : ""].filter(Boolean);
    about.replaceChildren(
      chip(token),
      ` ${words.position} ${token.position} · ${words.id} ${token.id} · ` +
        `${words.bytes} ${token.hex}${notes.length ? ` · ${notes.join(" · ")}` : ""}`,
    );
  };
  const show = () => {
    /** @type {FullToken[]} */
    const tokens = model.get("_tokens");
    setText(
      count,
      words.count(
        [...model.get("_text")].length,
        tokens.filter(({ special }) => !special).length,
        tokens.filter(({ special }) => special).length,
      ),
    );
    list.replaceChildren(
      ...tokens.map((token) => {
        const button = element(
          "button",
          { type: "button", "aria-pressed": "false" },
          chip(token),
          element("span", { class: "id number small muted" }, String(token.id)),
        );
        button.addEventListener("pointerenter", () => tell(token));
        button.addEventListener("focus", () => tell(token));
        button.addEventListener("click", () => explain(token, button));
        return element("li", {}, button);
      }),
    );
    merges.hidden = true;
    stages.replaceChildren();
    if (tokens.length) tell(tokens[tokens.length - 1]);
  };
  return mount({ model, el }, root, show);
}

export default { render: whenFilled(render) };
