// How surprising a token is, as the timeline colours it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { surprise } from "../../gptviz/widgets/shared/shares.js";
import { assertClose } from "./close.mjs";

test("surprise is the surprisal in bits as a share of that of 1 %", () => {
  for (const bits of [0.5, 1, 3, 6]) assertClose(surprise(2 ** -bits), bits / Math.log2(100));
});

test("a certain token has none, and the rarest have no more than 1 % has", () => {
  assert.deepEqual([1, 0.01, 0.001, 0].map(surprise), [0, 1, 1, 1]);
});
