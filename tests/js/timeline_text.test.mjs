// What tokens spell: whole characters as text, unfinished ones as their bytes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { spelled, textNodes } from "../../gptviz/widgets/timeline/text.js";

const token = (text, bytes = null, special = false) => ({ id: 1, text, bytes, special });

test("a character over several tokens is one character", () => {
  assert.deepEqual(spelled([token("an "), token("", "f0 9f"), token("", "a6 89"), token("!")]), [
    { text: "an 🦉!", bytes: "" },
  ]);
});

test("an unfinished character is its bytes, and what follows is text again", () => {
  const pieces = spelled([token("é"), token("", "f0"), token("", "9f a6"), token(" x"), token("<end>", null, true)]);
  assert.deepEqual(pieces, [
    { text: "é", bytes: "" },
    { text: "", bytes: "f0 9f a6" },
    { text: " x", bytes: "" },
  ]);
});

test("a text that a stop string has cut is cut where its tokens are spelled", () => {
  assert.deepEqual(textNodes([token("an "), token("owl")], [token("!"), token(" The end")], "an owl!"), [
    ["an owl"],
    ["!"],
  ]);
  assert.deepEqual(textNodes([token("an owl")], [token(" The end")], "an o"), [["an o"], [""]]);
  assert.deepEqual(textNodes([token("an owl")], [token("!")], null), [["an owl"], ["!"]]);
});
