// What the timeline writes of tokens that a model on a server reveals in part.
import assert from "node:assert/strict";
import { test } from "node:test";

import { exactText, shareText } from "../../gptviz/widgets/shared/shares.js";
import { isSame, rest } from "../../gptviz/widgets/timeline/revealed.js";

test("a probability that is not revealed is a dash, and never 0", () => {
  assert.deepEqual([null, 0, 0.25].map(shareText), ["–", "0 %", "25.0 %"]);
  assert.deepEqual([exactText(null, "not revealed"), exactText(0.123456, "")], ["not revealed", "12.3456 %"]);
});

test("what is left is known only if all shares are", () => {
  assert.equal(rest([0.5, 0.125]), 0.375);
  assert.equal(rest([0.5, null]), null);
  assert.equal(rest([0.75, 0.5]), 0);
});

test("tokens are the same by their ids, and by their texts where no id is revealed", () => {
  const token = (id, text, bytes = null) => ({ id, text, bytes, position: 0, special: false });
  assert.ok(isSame(token(3, "a"), token(3, "a")) && !isSame(token(3, "a"), token(4, "a")));
  assert.ok(isSame(token(-1, "a"), token(-1, "a")) && !isSame(token(-1, "a"), token(-1, "b")));
  assert.ok(!isSame(token(-1, "", "f0"), token(-1, "", "9f")));
});
