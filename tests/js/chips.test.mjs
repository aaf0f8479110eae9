// The text of tokens: white space and invisible characters are drawn as marks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chipText, visible } from "../../gptviz/widgets/shared/chips.js";

test("white space and invisible characters are drawn as marks", () => {
  assert.equal(chipText({ id: 1, text: " a b\n\t" }), "␣a␣b⏎⇥");
  assert.equal(chipText({ id: 1, text: "x\u202ey\u200b\u2028" }), "xU+202EyU+200BU+2028");
  assert.equal(chipText({ id: 1, text: "", bytes: "f0 9f" }), "f0 9f");
  assert.deepEqual(visible("<b>"), [{ text: "<b>", mark: false }]);
});
