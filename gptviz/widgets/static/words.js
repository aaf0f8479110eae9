// @ts-check
/**
 * Every word that a view shows, in each language: one catalogue, so that nothing is said twice or left untranslated.
 *
 * The type of the English catalogue is the type of all: `tsc` refuses one that lacks a key. Symbols (␣, %, L2 · H3) and
 * the names of Python's settings are the same in every language and are not here.
 */

const count = new Intl.NumberFormat("en");

const EN = {
  common: {
    computing: "computing…",
  },
  prompt: {
    label: "Prompt",
    run: "Run",
    status: (/** @type {string} */ model, /** @type {number} */ tokens) => `${model} reads ${tokens} ${tokens === 1 ? "token" : "tokens"}`,
  },
  tokens: {
    title: "Tokens",
    count: (/** @type {number} */ characters, /** @type {number} */ tokens) =>
      `${characters} ${characters === 1 ? "character becomes" : "characters become"} ${tokens} ${tokens === 1 ? "token" : "tokens"}; under each its id`,
    position: "position",
    id: "id",
    bytes: "bytes",
    special: "a mark of the tokenizer's own: it stands for no text",
    broken: "no whole character: shown as its bytes",
  },
  attention: {
    title: "Attention",
    heads: "All heads",
    axes: "a row a layer, a column a head",
    pooled: (/** @type {number} */ tokens, /** @type {number} */ side) =>
      `pooled from ${tokens} to ${side} cells a side: each shows the largest weight of its block`,
    caption: "Each row is a token looking; each column a token looked at. Hatched: the future, which no token sees. Every row sums to 1.",
    looks: "looks at",
    weight: "weight",
    first: "weight 0",
    last: "1",
    map: (/** @type {string} */ name) => `Attention map of ${name}. Arrow keys move between cells.`,
    largest: (/** @type {number} */ shown, /** @type {number} */ allowed) =>
      shown < allowed ? `its ${shown} largest weights of ${allowed}` : `its ${allowed} ${allowed === 1 ? "weight" : "weights"}`,
    others: (/** @type {number} */ others) => `${others} others`,
    sum: "the row sums to",
    alone: "Nobody else to look at: the first token can only look at itself.",
  },
  sampling: {
    title: "Sampling",
    after: "After",
    at: (/** @type {number} */ position) => `at position ${position},`,
    leads: (/** @type {string} */ share) => `leads with ${share};`,
    left: (/** @type {number} */ kept, /** @type {number} */ size) => kept === size
      ? `any of ${count.format(size)} tokens can be drawn.` : `only ${count.format(kept)} of ${count.format(size)} tokens can be drawn.`,
    repeatable: "the same seed draws the same token everywhere",
    legend: { logit: "a score: only differences matter", ghost: "what the column before had", removed: "removed, and by what" },
    drawn: (/** @type {number} */ draw, /** @type {string} */ number) => `draw ${draw}, random number ${number}:`,
    group: "Settings",
    slider: (/** @type {string} */ name) => `${name}, slider`,
    off: "off",
    reset: "reset",
    seed: "seed",
    seedExpected: "Expected a whole number from 0 to 2⁵³ − 1, such as 7.",
    draw: "draw once",
    code: "in Python",
    knobs: {
      temperature: { label: "temperature", hint: "divides the logits; 0 always takes the leader",
        expected: "Expected a temperature of 0 or more; 1 is the model’s own." },
      topK: { label: "top-k", hint: "keeps the k likeliest", expected: "Expected a whole number of tokens from 1; empty is off." },
      topP: { label: "top-p", hint: "keeps the fewest tokens whose mass reaches p",
        expected: "Expected a share above 0 and at most 1; empty is off." },
      minP: { label: "min-p", hint: "keeps tokens with at least this share of the leader’s probability",
        expected: "Expected a share from 0 to 1; empty is off." },
      repetitionPenalty: { label: "repetition penalty", hint: "weakens tokens that came before; below 1 it favours them",
        expected: "Expected a penalty above 0; 1 is off." },
    },
    caption: "The likeliest next tokens, stage by stage",
    token: "token",
    logit: "logit",
    columns: ["the model’s own", "after temperature", "after the cuts"],
    hints: ["softmax(logits)", "softmax(logits ÷ temperature)", "renormalised: drawn from"],
    penalised: "penalised, then ÷ temperature",
    others: (/** @type {number} */ others) => `all ${count.format(others)} others`,
    sums: [
      { name: "tokens kept", hint: "" },
      { name: "mass kept", hint: "of what the temperature left, before it is renormalised" },
      { name: "entropy", hint: "how uncertain the next token is" },
      { name: "effective choices", hint: "2 to the entropy: as uncertain as so many equally likely tokens" },
    ],
    bits: (/** @type {string} */ bits) => `${bits} bits`,
    removed: { repetition_penalty: "never", temperature: "greedy", top_k: "top-k", top_p: "top-p", min_p: "min-p" },
    removedBy: (/** @type {string} */ reason) => `removed by ${reason}`,
  },
  timeline: {
    title: "Generation",
    again: "another seed",
    stop: "stop",
    choice: (/** @type {number} */ index) => `choice ${index}`,
    count: (/** @type {number} */ tokens) => `${tokens} ${tokens === 1 ? "token" : "tokens"}`,
    seed: (/** @type {number} */ seed) => `seed ${seed}`,
    settings: { temperature: "temperature", top_k: "top-k", top_p: "top-p", min_p: "min-p", repetition_penalty: "repetition penalty" },
    ends: { stop: "ended by itself or by a stop string", length: "ended at its length limit", interrupted: "stopped here" },
    going: "generating…",
    hint: "under each token: how probable it was for the model itself",
    tokens: "generated tokens; choose one to see what else could have come",
    step: (/** @type {number} */ index) => `Step ${index}:`,
    own: "the model’s own",
    drawn: "drawn from",
    ownHint: "softmax(logits)",
    drawnHint: "after temperature and cuts",
    token: "token",
    facts: (/** @type {string} */ bits, /** @type {number} */ kept) =>
      `${bits} bits of uncertainty when it was drawn; ${count.format(kept)} ${kept === 1 ? "token" : "tokens"} could have come`,
    rank: (/** @type {number} */ rank) => `the model’s number ${rank}`,
    beyond: (/** @type {number} */ shown) => `not among the model’s first ${shown}`,
  },
};

/** @type {typeof EN} */
const ZH = {
  common: {
    computing: "计算中…",
  },
  prompt: {
    label: "提示",
    run: "运行",
    status: (model, tokens) => `${model} 读入 ${tokens} 个词元`,
  },
  tokens: {
    title: "词元",
    count: (characters, tokens) => `${characters} 个字符变成 ${tokens} 个词元；下方是各自的编号`,
    position: "位置",
    id: "编号",
    bytes: "字节",
    special: "分词器自己的标记：不代表任何文字",
    broken: "不是完整的字符：显示其字节",
  },
  attention: {
    title: "注意力",
    heads: "全部注意力头",
    axes: "每行一层，每列一个头",
    pooled: (tokens, side) => `由 ${tokens} 格合并为每边 ${side} 格：每格显示所在块的最大权重`,
    caption: "每行是一个在看的词元（查询），每列是一个被看的词元（键）。阴影线：未来，任何词元都看不到。每行之和为 1。",
    looks: "看向",
    weight: "权重",
    first: "权重 0",
    last: "1",
    map: (name) => `${name} 的注意力图。方向键在格子间移动。`,
    largest: (shown, allowed) => (shown < allowed ? `${allowed} 个权重中最大的 ${shown} 个` : `它的 ${allowed} 个权重`),
    others: (others) => `其余 ${others} 个`,
    sum: "本行之和为",
    alone: "没有别的词元可看：第一个词元只能看自己。",
  },
  sampling: {
    title: "采样",
    after: "在",
    at: (position) => `（位置 ${position}）之后，`,
    leads: (share) => `领先，概率 ${share}；`,
    left: (kept, size) => (kept === size ? `${count.format(size)} 个词元都可能被抽到。` : `${count.format(size)} 个词元中只有 ${count.format(kept)} 个可能被抽到。`),
    repeatable: "同一个种子在任何地方都抽到同一个词元",
    legend: { logit: "一个分数：只有差值有意义", ghost: "前一列的值", removed: "被去掉，以及被谁去掉" },
    drawn: (draw, number) => `第 ${draw} 次抽取，随机数 ${number}：`,
    group: "设置",
    slider: (name) => `${name}，滑块`,
    off: "关",
    reset: "重置",
    seed: "种子",
    seedExpected: "应为 0 到 2⁵³ − 1 的整数，例如 7。",
    draw: "抽一次",
    code: "对应的 Python 代码",
    knobs: {
      temperature: { label: "温度", hint: "除以对数几率；0 总是取领先者", expected: "温度应不小于 0；1 是模型自己的分布。" },
      topK: { label: "top-k", hint: "只留最可能的 k 个", expected: "应为不小于 1 的整数；留空为关。" },
      topP: { label: "核采样 top-p", hint: "只留总概率达到 p 的最少词元", expected: "应大于 0 且不超过 1；留空为关。" },
      minP: { label: "min-p", hint: "只留概率不低于领先者这一比例的词元", expected: "应在 0 到 1 之间；留空为关。" },
      repetitionPenalty: { label: "重复惩罚", hint: "削弱出现过的词元；小于 1 则偏爱它们", expected: "惩罚应大于 0；1 为关。" },
    },
    caption: "最可能的下一个词元，逐阶段",
    token: "词元",
    logit: "对数几率",
    columns: ["模型自己的", "温度之后", "截断之后"],
    hints: ["softmax(logits)", "softmax(logits ÷ 温度)", "重新归一化：由此抽取"],
    penalised: "先惩罚，再 ÷ 温度",
    others: (others) => `其余 ${count.format(others)} 个`,
    sums: [
      { name: "保留的词元", hint: "" },
      { name: "保留的概率", hint: "占温度之后的比例，重新归一化之前" },
      { name: "熵", hint: "下一个词元有多不确定" },
      { name: "有效选择数", hint: "2 的熵次方：相当于这么多个等可能的词元" },
    ],
    bits: (bits) => `${bits} 比特`,
    removed: { repetition_penalty: "永不", temperature: "贪心", top_k: "top-k", top_p: "top-p", min_p: "min-p" },
    removedBy: (reason) => `被 ${reason} 去掉`,
  },
  timeline: {
    title: "生成",
    again: "换个种子",
    stop: "停止",
    choice: (index) => `结果 ${index}`,
    count: (tokens) => `${tokens} 个词元`,
    seed: (seed) => `种子 ${seed}`,
    settings: { temperature: "温度", top_k: "top-k", top_p: "核采样 top-p", min_p: "min-p", repetition_penalty: "重复惩罚" },
    ends: { stop: "自行结束或遇到停止串", length: "到达长度上限", interrupted: "在此停下" },
    going: "生成中…",
    hint: "每个词元下方：模型自己给它的概率",
    tokens: "生成的词元；选一个，看还可能出现什么",
    step: (index) => `第 ${index} 步：`,
    own: "模型自己的",
    drawn: "由此抽取",
    ownHint: "softmax(logits)",
    drawnHint: "温度与截断之后",
    token: "词元",
    facts: (bits, kept) => `抽取时的不确定度为 ${bits} 比特；有 ${count.format(kept)} 个词元可能出现`,
    rank: (rank) => `模型的第 ${rank} 名`,
    beyond: (shown) => `不在模型的前 ${shown} 名之内`,
  },
};

/** @typedef {typeof EN} Words */

/** The words of a view's language. @param {any} model @returns {Words} */
export function wordsOf(model) {
  return model.get("language") === "zh" ? ZH : EN;
}
