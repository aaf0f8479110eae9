// Which edits switch a whole part off, so that its square in the grid is marked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { switchesOff } from "../../gptviz/widgets/intervention/edits.js";

test("a part that is switched off at one token is not off as a whole", () => {
  const mlp = { layer: 1, head: null };
  assert.ok(switchesOff({ kind: "ablate_mlp", layer: 1 }, mlp));
  assert.ok(!switchesOff({ kind: "ablate_mlp", layer: 1, position: 3 }, mlp));
  assert.ok(!switchesOff({ kind: "ablate_attention", layer: 1 }, mlp));
  assert.ok(switchesOff({ kind: "ablate_head", layer: 1, head: 2 }, { layer: 1, head: 2 }));
});
