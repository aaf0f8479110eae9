// @ts-check
/** The prompt box: type, press Enter, and every view that follows shows the new prompt; Shift and Enter begin a new line. */
import { element, setText } from "../shared/dom.js";
import { mount, notices, whenFilled } from "../shared/frame.js";
import { ask, Lane } from "../shared/kernel.js";
import { wordsOf } from "../shared/words.js";
import { catalogue } from "./words.js";

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const words = wordsOf(model, catalogue);
  const field = element("textarea", {
    rows: 1,
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": model.get("_title"),
  });
  const button = element("button", { type: "submit" }, words.run);
  const status = element("span", { class: "status muted small", role: "status" });
  const { problem, computing, wait, say } = notices(model);
  const sized = element("div", { class: "sized" }, field); // its twin of the same text makes the field as high as its lines
  const form = element("form", {}, sized, button);
  const lane = new Lane();
  const root = element(
    "section",
    { class: "gptviz gptviz-prompt", "aria-label": model.get("_title") },
    form,
    element("p", { class: "under" }, status, " ", computing),
    problem,
  );

  const grow = () => {
    sized.dataset.text = field.value;
  };
  const toEnd = () => {
    if (document.activeElement !== field) field.scrollTop = field.scrollHeight;
  }; // where there are more lines than room
  const show = () => {
    if (!root.hasAttribute("data-typing")) field.value = model.get("_field"); // what is typed or was refused is there to be mended
    grow();
    toEnd();
    setText(status, words.status(model.get("_gpt_name"), model.get("_token_count")));
  };
  const renew = () => {
    if (document.activeElement !== field) root.removeAttribute("data-typing");
    show();
  };
  const resized = new ResizeObserver(toEnd);
  field.addEventListener("input", () => {
    root.toggleAttribute("data-typing", field.value !== model.get("_field"));
    grow();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // an input method's own Enter ends a word
    event.preventDefault();
    form.requestSubmit();
  });
  /** @param {string} [problem] */
  const done = (problem = "") => {
    say(problem);
    wait(root, false);
    show();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const prompt = field.value;
    say("");
    wait(root, true);
    lane.ask(
      () => ask(model, "run", { prompt }),
      () => {
        root.toggleAttribute("data-typing", field.value !== prompt);
        done();
      },
      (error) => done(error.message),
    );
  });
  model.on("change:_field", renew);
  resized.observe(field);
  const unmount = mount({ model, el }, root, show);
  return () => {
    model.off("change:_field", renew);
    resized.disconnect();
    unmount();
  };
}

export default { render: whenFilled(render) };
