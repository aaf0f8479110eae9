// What a check says, in both languages: the learner's number and its place, never the model's. And which head an answer opens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLines } from "../../gptviz/lessons/check.js";
import { catalogue } from "../../gptviz/lessons/check_words.js";
import { headToOpen } from "../../gptviz/lessons/question.js";

const words = (/** @type {"en"|"zh"} */ language) => catalogue[language];
const about = (/** @type {Record<string, unknown>} */ found) => ({
  name: "Your sum",
  hint: "",
  solution: "",
  ...found,
});

test("a check names the first place that differs, and the number there", () => {
  const found = about({ result: "value", index: [1, 2], mine: -0.5, count: 3, size: 1200 });
  assert.deepEqual(checkLines(found, words("en")), [
    "Your sum: 3 of 1,200 numbers differ from the model’s.",
    "The first difference is at [1, 2], where you have −0.500.",
  ]);
  assert.match(checkLines(found, words("zh")).join(""), /1,200 个数中有 3 个.*\[1, 2\].*−0\.500/);
});

test("a single number has no position, and a value that is not a number is shown unchanged", () => {
  assert.deepEqual(checkLines(about({ result: "value", index: [], mine: "nan", count: 1, size: 1 }), words("en")), [
    "Your sum: different from the model’s.",
    "You have nan.",
  ]);
});

test("shapes are written as in Python", () => {
  const said = (/** @type {number[]} */ mine, /** @type {number[]} */ wanted) =>
    checkLines(about({ result: "shape", mine, wanted }), words("en"))[0];
  assert.equal(said([3], [2, 4]), "Your sum: the expected shape is (2, 4); yours is (3,).");
  assert.equal(said([], [2]), "Your sum: the expected shape is (2,); yours is a single number.");
});

test("a right answer shows the largest difference", () => {
  const near = about({ result: "right", largest: 1.2e-7, tolerance: 1e-5, size: 3 });
  assert.deepEqual(checkLines(near, words("en")), [
    "Your sum: the same as the model’s.",
    "The largest difference is 1.20e−7; differences up to 0.00001 count as rounding.",
  ]);
  assert.equal(
    checkLines(about({ result: "right", largest: 0, tolerance: 0, size: 3 }), words("en"))[1],
    "There is no difference.",
  );
});

test("where the right value is not the model’s, no text speaks of the model", () => {
  const right = about({ result: "right", largest: 0, tolerance: 0, size: 1, of_model: false });
  const wrong = about({ result: "value", index: [1], mine: 2, count: 1, size: 3, of_model: false });
  assert.equal(checkLines(right, words("en"))[0], "Your sum: right.");
  assert.equal(checkLines(wrong, words("en"))[0], "Your sum: 1 of 3 numbers are not right yet.");
  assert.doesNotMatch([...checkLines(right, words("zh")), ...checkLines(wrong, words("zh"))].join(""), /模型/);
});

test("a single right number is shown", () => {
  const found = about({ result: "right", mine: -0.625, largest: 0, tolerance: 0, size: 1 });
  assert.deepEqual(checkLines(found, words("en")).slice(1), ["You have −0.625.", "There is no difference."]);
});

test("an answer opens the guessed head if it is right, else the first right one, and none before", () => {
  const truth = [
    [0, 1],
    [2, 3],
  ];
  const state = { phase: /** @type {"revealed"} */ ("revealed"), given: [2, 3], truth, hint: "", problem: "" };
  assert.deepEqual(headToOpen("head", { ...state, right: true }), [2, 3]);
  assert.deepEqual(headToOpen("head", { ...state, right: false, given: null }), [0, 1]);
  assert.equal(headToOpen("head", { ...state, phase: "wrong" }), null);
  assert.equal(headToOpen("number", { ...state, truth: 3 }), null);
});
