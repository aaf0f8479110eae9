// @ts-check
/** The view models of pages that run the model, by the names of their views; a new text is shown in this order. */

import { LiveAttention } from "../../widgets/attention/live.js";
import { LiveBlock } from "../../widgets/block/live.js";
import { LiveEmbedding } from "../../widgets/embedding/live.js";
import { LiveExplorer } from "../../widgets/explorer/live.js";
import { LiveFlow } from "../../widgets/flow/live.js";
import { LiveIntervention } from "../../widgets/intervention/live.js";
import { LivePrompt } from "../../widgets/prompt/live.js";
import { LiveBench } from "../../widgets/sampling/live.js";
import { LiveTimeline } from "../../widgets/timeline/live.js";
import { LiveTokens } from "../../widgets/tokens/live.js";
import { PredictJudge } from "./predict_judge.js";

/** @type {Record<string, import("./kernel.js").ViewKind>} */
export const KINDS = {
  prompt: LivePrompt,
  predict: PredictJudge,
  explorer: LiveExplorer,
  tokens: LiveTokens,
  embedding: LiveEmbedding,
  block: LiveBlock,
  sampling: LiveBench,
  attention: LiveAttention,
  timeline: LiveTimeline,
  intervention: LiveIntervention,
  flow: LiveFlow, // the last, since it takes the longest
};
