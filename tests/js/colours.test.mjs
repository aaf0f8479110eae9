// The colour maps of weights and of signed values.
import assert from "node:assert/strict";
import { test } from "node:test";
import { weightColours } from "../../gptviz/widgets/shared/colours.js";

test("more weight is more contrast with the page, in both themes", () => {
  const light = (/** @type {number[]} */ [r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  for (const [theme, sign] of /** @type {const} */ ([
    ["light", -1],
    ["dark", 1],
  ])) {
    const steps = weightColours(theme).map((colour) => sign * light(colour));
    for (let i = 1; i < 256; i++) assert.ok(steps[i] >= steps[i - 1] - 1, `${theme} at ${i}`);
  }
});
