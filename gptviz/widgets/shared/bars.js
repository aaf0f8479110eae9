// @ts-check
/** The axis above bars that show shares. */
import { element } from "./dom.js";

/** What the bars of shares are read by, above them. */
export function percentAxis() {
  return element(
    "span",
    { class: "axis", "aria-hidden": "true" },
    ...["0", "50", "100 %"].map((tick) => element("i", {}, tick)),
  );
}
