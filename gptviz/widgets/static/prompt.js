// @ts-check
/** The prompt box: type, press Enter, and every view that follows shows the new prompt. */
import { ask, element, frame, notices, setText, whenFilled } from "./common.js";
import { wordsOf } from "./words.js";


/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const words = wordsOf(model);
  const field = element("input", { type: "text", spellcheck: "false", autocomplete: "off", "aria-label": words.prompt.label,
    "data-lm-suppress-shortcuts": "true" });
  const button = element("button", { type: "submit", "data-lm-suppress-shortcuts": "true" }, words.prompt.run);
  const status = element("span", { class: "status muted small", role: "status" });
  const { problem, computing, wait, say } = notices(words);
  const form = element("form", {}, field, button);
  const root = element("section", { class: "gptviz gptviz-prompt", "aria-label": words.prompt.label }, form,
    element("p", { class: "under" }, status, " ", computing), problem);
  const stopFrame = frame(model, root);

  const show = () => {
    root.dataset.scale = model.get("scale");
    if (document.activeElement !== field || !root.hasAttribute("data-typing")) field.value = model.get("prompt");
    setText(status, words.prompt.status(model.get("_gpt_name"), model.get("_token_count")));
  };
  field.addEventListener("input", () => root.toggleAttribute("data-typing", field.value !== model.get("prompt")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const prompt = field.value;
    say("");
    wait(root, true);
    try {
      await ask(model, "run", { prompt });
      root.toggleAttribute("data-typing", field.value !== prompt);
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
    wait(root, false);
    show();
  });
  // Keys that JupyterLab listens for outside its editors.
  field.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:prompt change:_source change:scale", show);
  show();
  el.append(root);
  return () => {
    model.off("change:prompt change:_source change:scale", show);
    stopFrame();
    root.remove();
  };
}

export default { render: whenFilled(render) };
