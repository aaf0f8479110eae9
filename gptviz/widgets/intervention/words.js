// @ts-check
/** The words of the intervention view, in each language. */

import { attentionRefusals } from "../shared/attention_refusals.js";
import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { partRefusals } from "../shared/part_refusals.js";
import { promptRefusals } from "../shared/prompt_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  tokens: "The prompt: click a token to choose the position of a patch or of a row",
  parts: "Every head and MLP",
  partsHint:
    "Click a square to switch this head or MLP off; click again to switch it on. " +
    "Each row is a block: its heads, then its MLP.",
  show: "Show in the squares:",
  maps: "attention maps before the edits",
  mapEnds: ["weight 0", "1"],
  effect: "effect on",
  effectHint:
    "Each number says how the followed token’s probability changes, in percentage points, " +
    "when only this head or MLP is off. The edits in the list are not applied.",
  ends: (/** @type {string} */ points) => [`−${points}: falls`, `+${points}: rises`],
  alone: (/** @type {string} */ points) => `${points} points when only this is off`,
  off: "off",
  mlp: "MLP",
  headsHint: "Click a square to switch this head off; click again to switch it on. Each row is a block.",
  ofStack: { encoder: "encoder", cross: "cross" },
  edits: "Edits",
  none: "None: the model is unedited.",
  takeBack: (/** @type {string} */ edit) => `remove: ${edit}`,
  look: (/** @type {string} */ name) => `show ${name} in linked views`,
  removeAll: "remove all",
  dropped: "Removed, because they belong to the earlier prompt or model:",
  switchedOff: "off",
  rewritten: "row rewritten",
  patched: "patched",
  atMean: "set to its mean",
  everywhere: "at every position",
  neuron: (/** @type {number} */ neuron) => `neuron ${neuron}`,
  steered: (/** @type {string} */ strength) => `+ ${strength} × vector`,
  at: "at",
  sites: {
    residual: "stream entering block",
    head_output: "head output",
    attn_out: "attention output",
    mlp_out: "MLP output",
  },
  follow: "followed token",
  other: "another token, with its space",
  otherButton: "follow",
  summary: {
    fell: (/** @type {string} */ before, /** @type {string} */ after) => `fell from ${before} to ${after}.`,
    rose: (/** @type {string} */ before, /** @type {string} */ after) => `rose from ${before} to ${after}.`,
    stayed: (/** @type {string} */ before) => `stays at ${before}.`,
    plain: (/** @type {string} */ before) => `is the next token with a probability of ${before}.`,
  },
  leads: (/** @type {string} */ after) => `leads now, with ${after}.`,
  moved: (/** @type {string} */ share) => `In total, ${share} of the probability moved to other tokens.`,
  caption: "The next token before and after the edits",
  movers: "largest changes first",
  likeliest: "likeliest first",
  rest: (/** @type {number} */ tokens) => `${grouped(tokens)} other tokens`,
  columns: { token: "next token", before: "before", after: "after", difference: "difference" },
  hints: {
    before: "unedited model",
    after: "with the edits",
    difference: "percentage points",
    bars: "bars scaled to max",
  },
  watched: "followed",
  code: "As code",
  copy: "copy",
  copied: "copied",
  marked: "Selected. Press Ctrl+C (⌘C) to copy.",
  patch: "Patch: replace an activation with the one from another prompt",
  otherPrompt: "another prompt with the same number of tokens",
  read: "read",
  differs: "Above: this prompt. Below: the other prompt. ≠ marks where they differ. Click the position to patch.",
  site: "activation",
  layer: "layer",
  head: "head",
  doPatch: "patch",
  row: "Rewrite a row of attention weights: where one head looks",
  rowHint: (/** @type {string} */ name) =>
    `Where ${name} looks from the chosen token: ` +
    "type one weight per token (they are divided by their sum), or click the one token to look at.",
  weights: "weights",
  weightsExpected: (/** @type {number} */ expected, /** @type {number} */ got) =>
    `Expected ${expected} numbers, one for each token that the chosen one can look at. Got ${got}. ` +
    "Separate the numbers by spaces.",
  weightsPositive:
    "Expected weights of at least 0, with at least one above 0. Got a negative weight, or only zeros. " +
    "Change them; they are divided by their sum.",
  doRow: "set the row",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  tokens: "提示：点一个词元，选定补丁或注意力行的位置",
  parts: "每个头和 MLP",
  partsHint: "点一个方格就关掉这个头或 MLP，再点一次打开。每行是一块：先是各个头，最后是 MLP。",
  show: "方格上显示：",
  maps: "改动之前的注意力图",
  mapEnds: ["权重 0", "1"],
  effect: "影响：",
  effectHint: "每个数表示只关掉这个头或 MLP 时，所跟踪词元的概率变化多少（百分点）。列表中的改动不起作用。",
  ends: (points) => [`−${points}：下降`, `+${points}：上升`],
  alone: (points) => `只关掉它：${points} 个百分点`,
  off: "关",
  mlp: "MLP",
  headsHint: "点一个方格，关掉这个头；再点一下，又打开。每一行是一个块。",
  ofStack: { encoder: "编码器", cross: "交叉" },
  edits: "改动",
  none: "无：模型没有改动。",
  takeBack: (edit) => `移除：${edit}`,
  look: (name) => `在联动视图中显示 ${name}`,
  removeAll: "全部移除",
  dropped: "已移除，因为它们属于之前的提示或模型：",
  switchedOff: "关掉",
  rewritten: "改写了这一行",
  patched: "打补丁",
  atMean: "取平均值",
  everywhere: "所有位置",
  neuron: (neuron) => `神经元 ${neuron}`,
  steered: (strength) => `+ ${strength} × 向量`,
  at: "位置",
  sites: { residual: "进入该块的残差流", head_output: "头的输出", attn_out: "注意力的输出", mlp_out: "MLP 的输出" },
  follow: "跟踪的词元",
  other: "另一个词元，连同前面的空格",
  otherButton: "跟踪",
  summary: {
    fell: (before, after) => `从 ${before} 降到 ${after}。`,
    rose: (before, after) => `从 ${before} 升到 ${after}。`,
    stayed: (before) => `仍为 ${before}。`,
    plain: (before) => `作为下一个词元的概率为 ${before}。`,
  },
  leads: (after) => `现在领先，为 ${after}。`,
  moved: (share) => `总共有 ${share} 的概率转到了别的词元。`,
  caption: "改动前后的下一个词元",
  movers: "变化最大的在前",
  likeliest: "最可能的在前",
  rest: (tokens) => `其余 ${grouped(tokens)} 个词元`,
  columns: { token: "下一个词元", before: "之前", after: "之后", difference: "差" },
  hints: { before: "未改动的模型", after: "有改动", difference: "百分点", bars: "条形按最大者缩放" },
  watched: "跟踪中",
  code: "写成代码",
  copy: "复制",
  copied: "已复制",
  marked: "已选中。请按 Ctrl+C（⌘C）复制。",
  patch: "打补丁：用另一个提示的激活值替换这里的",
  otherPrompt: "词元数相同的另一个提示",
  read: "读入",
  differs: "上面：这个提示。下面：另一个提示。≠ 表示不同。点一个位置来打补丁。",
  site: "激活值",
  layer: "层",
  head: "头",
  doPatch: "打补丁",
  row: "改写一行注意力权重：一个头看向哪里",
  rowHint: (name) => `${name} 从所选词元看向哪里：为每个词元输入一个权重（会除以总和），或者点唯一要看的那个词元。`,
  weights: "权重",
  weightsExpected: (expected, got) =>
    `应有 ${expected} 个数，所选词元看得到的词元每个一个。现有 ${got} 个。请用空格分开。`,
  weightsPositive: "权重应不小于 0，且至少有一个大于 0。现在有负数，或者全是 0。请更改；权重要除以总和。",
  doRow: "设定这一行",
};

addRefusals(promptRefusals);
addRefusals(logitRefusals);
addRefusals(attentionRefusals);
addRefusals(partRefusals);

export const catalogue = { en, zh };
