// @ts-check
/** The words of the sampling bench, in each language. */

import { logitRefusals } from "../shared/logit_refusals.js";
import { grouped } from "../shared/numbers.js";
import { promptRefusals } from "../shared/prompt_refusals.js";
import { servedRefusals } from "../shared/served_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  after: "After",
  at: (/** @type {number} */ position) => `at position ${position},`,
  leads: (/** @type {string} */ share) => `leads with ${share};`,
  left: (/** @type {number} */ kept, /** @type {number} */ size) =>
    kept === size
      ? `any of ${grouped(size)} tokens can be drawn.`
      : `only ${grouped(kept)} of ${grouped(size)} tokens can be drawn.`,
  leadsUnknown: "is the likeliest; its probability after the settings is not known.",
  leftRevealed: (/** @type {number} */ kept) =>
    kept === Infinity
      ? "any token can be drawn, also one that is not revealed."
      : `only ${grouped(kept)} tokens can be drawn.`,
  prompt: "the prompt",
  afterPrompt: ",",
  unrevealed: "not revealed",
  everyToken: "all",
  asRevealed: "as the server reports it",
  notKnown: "not known: it depends on tokens that are not revealed",
  nothingToDraw: "the probabilities to draw from are not known",
  reveals: (/** @type {number} */ count) =>
    `The server reveals the ${count} likeliest tokens. All others share the hatched bar.`,
  kinds: {
    raw: "Under other settings, too, it reports the model’s own log-probabilities (raw).",
    processed:
      "Under other settings it reports log-probabilities after the settings (processed). Here no setting was on.",
    unknown:
      "It is not known whether, under other settings, it reports the model’s own log-probabilities or those after " +
      "them.",
  },
  incomplete:
    "It lists tokens by their texts. Of several tokens with the same text, it may list only one. So no probability " +
    "after a setting is known.",
  unknown: {
    repetition_penalty: (/** @type {string} */ _share, /** @type {number} */ _count) =>
      "A repetition penalty changes the logits. Log-probabilities do not show these: no probability after it is known.",
    temperature: (/** @type {string} */ share, /** @type {number} */ _count) =>
      `A temperature changes every token, also those that are not revealed (${share} together): no probability after ` +
      "it is known.",
    top_k: (/** @type {string} */ _share, /** @type {number} */ count) =>
      `This top-k keeps tokens beyond the ${count} that are revealed: their probabilities are not known.`,
    top_p: (/** @type {string} */ share, /** @type {number} */ _count) =>
      `This top-p reaches into the ${share} that is not revealed: how many tokens it keeps is not known.`,
    min_p: (/** @type {string} */ _share, /** @type {number} */ _count) =>
      "This min-p may keep tokens that are not revealed: how many is not known.",
  },
  remedy: (/** @type {number} */ count) => `With a top-k of at most ${count}, all is known.`,
  knownAfter: "After the cuts all is known.",
  drawnUnrevealed: "a token that is not revealed",
  repeatable: "the same settings and seed give the same token",
  legend: {
    logit: "a score: only the differences between scores matter",
    logprob: "natural logarithm of the probability",
    ghost: "value in the column before",
    counted: "share of 1,000 draws",
    removed: "removed; the label names the setting",
  },
  drawn: (/** @type {number} */ draw, /** @type {string} */ number) => `draw ${draw}, random number ${number}:`,
  group: "Settings",
  slider: (/** @type {string} */ name) => `${name}, slider`,
  off: "off",
  reset: "reset",
  seed: "seed",
  seedExpected: "Expected a whole number from 0 to 2⁵³ − 1, such as 7.",
  draw: "draw once",
  append: "append to the prompt",
  appendTarget: "append to the target",
  drawMany: "draw 1,000",
  keep: "keep as A",
  forget: "forget A",
  kept: "A",
  keptHint: "after the cuts, with A’s settings",
  keptAllHint: "all cuts together, with A’s settings",
  massOfAll: (/** @type {string} */ name) => `each column: that stage alone; column ${name}: all cuts`,
  beside: "beside",
  besideHint: "with the same settings",
  besideLeaders: "its likeliest:",
  more: (/** @type {number} */ on) => `more settings${on ? ` · ${on} on` : ""}`,
  scale: "scale to the largest",
  largest: (/** @type {string} */ share) => `largest: ${share}`,
  many: (/** @type {string} */ draws) => `Of ${draws} draws: counted (expected ± standard deviation)`,
  counted: (/** @type {number|null} */ drawn, /** @type {string} */ expected, /** @type {string} */ error) =>
    `${drawn === null ? "–" : grouped(drawn)} (${expected}\u00a0±\u00a0${error})`,
  code: "in Python",
  knobs: {
    temperature: {
      label: "temperature",
      hint: "divides the scores: below 1 is sharper, above 1 flatter; 1 changes nothing, 0 takes the likeliest token",
      expected: "Expected a temperature of 0 or more; 1 changes nothing.",
    },
    topK: {
      label: "top-k",
      hint: "keeps only the k likeliest tokens",
      expected: "Expected a whole number of tokens from 1; empty is off.",
    },
    topP: {
      label: "top-p",
      hint: "keeps the likeliest tokens until their sum reaches p",
      expected: "Expected a share above 0 and at most 1; empty is off.",
    },
    minP: {
      label: "min-p",
      hint: "drops tokens below p × the leader’s probability",
      expected: "Expected a share from 0 to 1; empty is off.",
    },
    repetitionPenalty: {
      label: "repetition penalty",
      hint: "above 1, tokens already in the text become less likely",
      expected: "Expected a penalty above 0; 1 is off.",
    },
  },
  caption: "The likeliest next tokens, stage by stage",
  token: "token",
  logit: "logit",
  logprob: "log-prob.",
  columns: ["the model’s own", "after temperature", "after the cuts"],
  hints: ["softmax(\u200blogits)", "softmax(\u200blogits ÷ temperature)", "drawn from, scaled to 100\u00a0%"],
  all: "show all stages",
  allHint: "one column for each setting, in the order in which they are applied",
  stages: {
    repetition_penalty: "repetition penalty",
    temperature: "temperature",
    top_k: "top-k",
    top_p: "top-p",
    min_p: "min-p",
  },
  stageOff: "off: no change",
  stageSettings: {
    repetition_penalty: (/** @type {string} */ penalty) =>
      `earlier tokens: scores above 0 ÷ ${penalty}, others × ${penalty}`,
    temperature: (/** @type {string} */ temperature) => `scores ÷ ${temperature}`,
    top_k: (/** @type {string} */ k) => `the ${k} likeliest, scaled to 100\u00a0%`,
    top_p: (/** @type {string} */ p) => `the fewest likeliest whose sum is ${p} or more, scaled to 100\u00a0%`,
    min_p: (/** @type {string} */ share) => `at least ${share} × the leader, scaled to 100\u00a0%`,
  },
  penalised: "penalised, then ÷ temperature",
  others: (/** @type {number} */ others) => `${grouped(others)} other tokens`,
  sums: [
    { name: "tokens kept", hint: "can be drawn" },
    { name: "probability kept", hint: "before scaling" },
    { name: "entropy", hint: "how uncertain the draw is" },
    { name: "effective choices", hint: "2^entropy equal choices" },
  ],
  bits: (/** @type {string} */ bits) => `${bits} bits`,
  removed: { repetition_penalty: "never", temperature: "greedy", top_k: "top-k", top_p: "top-p", min_p: "min-p" },
  removedBy: (/** @type {string} */ reason) => `removed by ${reason}`,
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  after: "在",
  at: (position) => `（位置 ${position}）之后，`,
  leads: (share) => `领先，概率 ${share}；`,
  left: (kept, size) =>
    kept === size
      ? `${grouped(size)} 个词元都可能被抽到。`
      : `${grouped(size)} 个词元中只有 ${grouped(kept)} 个可能被抽到。`,
  leadsUnknown: "最可能；它在设置之后的概率无法得知。",
  leftRevealed: (kept) =>
    kept === Infinity ? "任何词元都可能被抽到，包括未透露的。" : `只有 ${grouped(kept)} 个词元可能被抽到。`,
  prompt: "提示",
  afterPrompt: "之后，",
  unrevealed: "未透露",
  everyToken: "全部",
  asRevealed: "服务器给出的值",
  notKnown: "无法得知：取决于未透露的词元",
  nothingToDraw: "无法得知用来抽取的概率",
  reveals: (count) => `服务器透露最可能的 ${count} 个词元，其余的合为一根斜线条。`,
  kinds: {
    raw: "在其他设置下，它给出的也是模型自己的对数概率（raw）。",
    processed: "在其他设置下，它给出的是设置之后的对数概率（processed）；这里没有任何设置。",
    unknown: "在其他设置下，它给出的是模型自己的对数概率还是设置之后的，无法得知。",
  },
  incomplete: "它按文本列出词元；文本相同的几个词元，可能只列出一个。所以任何设置之后的概率都无法得知。",
  unknown: {
    repetition_penalty: () => "重复惩罚改变的是对数几率，而从对数概率看不出它们：之后的概率都无法得知。",
    temperature: (share) => `温度改变每个词元，也包括未透露的（合计 ${share}）：之后的概率都无法得知。`,
    top_k: (_share, count) => `这个 top-k 会保留已透露的 ${count} 个以外的词元：它们的概率无法得知。`,
    top_p: (share) => `这个 top-⁠p 延伸到未透露的 ${share} 之中：保留多少个词元无法得知。`,
    min_p: () => "这个 min-p 可能保留未透露的词元：数目无法得知。",
  },
  remedy: (count) => `top-k 不超过 ${count} 时，全部可知。`,
  knownAfter: "截断之后全部可知。",
  drawnUnrevealed: "一个未透露的词元",
  repeatable: "设置相同、种子相同，抽到的词元就相同",
  legend: {
    logit: "一个分数：只有差值有意义",
    logprob: "概率的自然对数",
    ghost: "前一列的值",
    counted: "1,000 次抽取中的比例",
    removed: "被去掉；标签是哪个设置",
  },
  drawn: (draw, number) => `第 ${draw} 次抽取，随机数 ${number}：`,
  group: "设置",
  slider: (name) => `${name}，滑块`,
  off: "关",
  reset: "重置",
  seed: "种子",
  seedExpected: "应为 0 到 2⁵³ − 1 的整数，例如 7。",
  draw: "抽一次",
  append: "接到提示后面",
  appendTarget: "接到目标后面",
  drawMany: "抽 1,000 次",
  keep: "存为 A",
  forget: "清除 A",
  kept: "A",
  keptHint: "A 的设置，截断之后",
  keptAllHint: "A 的设置，所有截断合计",
  massOfAll: (name) => `每一列：只算该阶段；${name} 列：所有截断合计`,
  beside: "对照",
  besideHint: "设置相同",
  besideLeaders: "它最可能的：",
  more: (on) => `更多设置${on ? ` · ${on} 项已开` : ""}`,
  scale: "按最大值缩放",
  largest: (share) => `最大：${share}`,
  many: (draws) => `${draws} 次抽取：次数（期望 ± 标准差）`,
  counted: (drawn, expected, error) => `${drawn === null ? "–" : grouped(drawn)}（${expected}\u00a0±\u00a0${error}）`,
  code: "对应的 Python 代码",
  knobs: {
    temperature: {
      label: "温度",
      hint: "用来除分数：小于 1 更尖，大于 1 更平；1 不改变，0 总取最可能的词元",
      expected: "温度应不小于 0；1 不改变分布。",
    },
    topK: { label: "top-k", hint: "只留最可能的 k 个", expected: "应为不小于 1 的整数；留空为关。" },
    topP: {
      label: "核采样 top-\u2060p",
      hint: "只留总概率达到 p 的最少词元",
      expected: "应大于 0 且不超过 1；留空为关。",
    },
    minP: { label: "min-p", hint: "去掉概率低于 p × 最高概率的词元", expected: "应在 0 到 1 之间；留空为关。" },
    repetitionPenalty: {
      label: "重复惩罚",
      hint: "大于 1 时，出现过的词元变得不那么可能",
      expected: "惩罚应大于 0；1 为关。",
    },
  },
  caption: "最可能的下一个词元，逐阶段",
  token: "词元",
  logit: "对数几率",
  logprob: "对数概率",
  columns: ["模型自己的", "温度之后", "截断之后"],
  hints: ["softmax(\u200blogits)", "softmax(\u200blogits ÷ 温度)", "由此抽取：重新归一化"],
  all: "显示全部阶段",
  allHint: "每个设置一列，按应用的先后",
  stages: {
    repetition_penalty: "重复惩罚",
    temperature: "温度",
    top_k: "top-k",
    top_p: "核采样 top-\u2060p",
    min_p: "min-p",
  },
  stageOff: "关：不改变",
  stageSettings: {
    repetition_penalty: (penalty) => `出现过的词元：大于 0 的分数 ÷ ${penalty}，其余 × ${penalty}`,
    temperature: (temperature) => `分数 ÷ ${temperature}`,
    top_k: (k) => `最可能的 ${k} 个，重新归一化`,
    top_p: (p) => `最可能的几个，总和不小于 ${p}，重新归一化`,
    min_p: (share) => `不低于领先者的 ${share}，重新归一化`,
  },
  penalised: "先惩罚，再 ÷ 温度",
  others: (others) => `其余 ${grouped(others)} 个词元`,
  sums: [
    { name: "保留的词元", hint: "可能被抽到的" },
    { name: "保留的概率", hint: "归一化到 100 % 之前" },
    { name: "熵", hint: "下一个词元有多不确定" },
    { name: "有效选择数", hint: "2 的熵次方：相当于这么多个等可能的选择" },
  ],
  bits: (bits) => `${bits} 比特`,
  removed: { repetition_penalty: "永不", temperature: "贪心", top_k: "top-k", top_p: "top-p", min_p: "min-p" },
  removedBy: (reason) => `被 ${reason} 去掉`,
};

addRefusals(promptRefusals);
addRefusals(logitRefusals);
addRefusals(servedRefusals);

export const catalogue = { en, zh };
