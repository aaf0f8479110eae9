// @ts-check
/** Shows what a function of the lesson printed, and says so if it is of an earlier prompt. */
import { button, element, setText } from "../widgets/shared/dom.js";
import { makeNotices, mount, whenFilled } from "../widgets/shared/frame.js";
import { ask } from "../widgets/shared/kernel.js";
import { wordsOf } from "../widgets/shared/words.js";
import { catalogue } from "./printed_words.js";

/**
 * What was printed. `stale`: the prompt it was printed for, if that is not the latest; null otherwise.
 * @typedef {{text: string, problem: string, stale: string|null}} PrintedAbout
 */

/** @param {import("../widgets/shared/kernel.js").RenderProps} context */
function render({ model, el }) {
  const words = wordsOf(model, catalogue);
  const { problem, computing, setProblem, setWaiting } = makeNotices(model);
  const text = element("pre", {});
  const again = button(words.again, async () => {
    if (again.disabled) return;
    again.disabled = true;
    setWaiting(root, true);
    await ask(model, "again", {}).catch((error) => setProblem(error.message));
    setWaiting(root, false);
    again.disabled = false;
  });
  const whose = element("span", {});
  const stale = element("p", { class: "stale", role: "status" }, whose, " ", again, " ", computing);
  const root = element(
    "section",
    { class: "gptviz gptviz-printed", "aria-label": model.get("_title") },
    problem,
    text,
    stale,
  );
  const draw = () => {
    /** @type {PrintedAbout} */
    const about = model.get("_about");
    setProblem(about.problem ? `${words.failed} ${about.problem}` : "");
    setText(text, about.text);
    text.hidden = about.text === "";
    stale.hidden = about.stale === null;
    setText(whose, about.stale === null ? "" : words.of(about.stale));
    root.toggleAttribute("data-stale", about.stale !== null);
  };
  return mount({ model, el }, root, draw);
}

export default { render: whenFilled(render) };
