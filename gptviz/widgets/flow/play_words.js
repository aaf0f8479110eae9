// @ts-check
/** The sentences of a played pass, in each language: texts, tokens and numbers in the order in which they are read. */
import { grouped } from "../shared/numbers.js";

/** @typedef {import("../shared/chips.js").PageToken & {earlier?: number}} PageToken */
/**
 * A piece of a sentence: a text, a token, a share or another number.
 * @typedef {string|{token: PageToken}|{share: number}|
 *   {value: number}} Part
 */
/** @typedef {{token: PageToken, share: number}} Source */
/** @typedef {{from: PageToken, to: PageToken, share: number}} Ends */
/** @typedef {{token: PageToken, before: number}} Outcome */

/** Writes a name at the beginning of a sentence. @param {string} name */
function capital(name) {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** @param {string} start @param {Outcome[]} outcomes @param {[string, string, string]} between @returns {Part[]} */
function likeliest(start, [first, second], [of, then, end]) {
  /** @type {Part[]} */
  const parts = [start, { token: first.token }, of, { share: first.before }];
  return second ? [...parts, then, { token: second.token }, of, { share: second.before }, end] : [...parts, end];
}

const en = {
  start: "play",
  pause: "pause",
  resume: "go on",
  again: "play again",
  back: "step back",
  forward: "step forward",
  restart: "from the beginning",
  end: "end",
  finish: "back to the picture (Escape)",
  player: "player: Space pauses, arrow keys step, Escape ends",
  steps: "steps that are done",
  speed: (/** @type {string} */ times) => `speed: ${times} ×; click for another`,
  uncached: "compute all rows again (without the KV cache)",
  earlier: (/** @type {number} */ count) => `${grouped(count)} earlier tokens`,
  sentences: {
    /** @type {(count: number, width: number, hasCuts: boolean) => Part[]} */
    embedding: (count, width, hasCuts) => [
      count === 1
        ? "One token enters at the left. It becomes "
        : `${grouped(count)} tokens enter at the left. Each becomes `,
      `a row of ${grouped(width)} numbers, its embedding. All rows are equally wide where attention has come in: `,
      "what was there before is at the bottom, what came in is on top. The width of a ribbon is its share ",
      "of the row that it enters.",
      hasCuts ? " This is the pass without cuts." : "",
    ],
    /** @type {(block: string, token: PageToken, most: Source|null, attention: number, isPooled: boolean) => Part[]} */
    attention: (block, token, most, attention, isPooled) => {
      const start = `${capital(block)}${isPooled ? ", pooled into one column" : ""}: `;
      if (!most && !attention) return [`${start}no attention reaches `, { token }, " here."];
      if (!most)
        return [
          start,
          { token },
          " takes from itself alone: after this step, ",
          { share: attention },
          " of what it holds.",
        ];
      return [
        `${start}every token takes something from earlier tokens. `,
        { token },
        " takes most from ",
        { token: most.token },
        ". After this step, ",
        { share: most.share },
        " of what it holds comes from there. From all tokens together, attention has brought ",
        { share: attention },
        ".",
      ];
    },
    /** @type {(block: string, token: PageToken, most: Source|null) => Part[]} */
    looks: (block, token, most) =>
      most
        ? [
            `${capital(block)}: every token looks at earlier tokens. `,
            { token },
            " looks most at ",
            { token: most.token },
            ": attention weight ",
            { share: most.share },
            ", averaged over heads.",
          ]
        : [`${capital(block)}: `, { token }, " looks at no earlier token here."],
    /** @type {(block: string, kind: "missing"|"none") => Part[]} */
    withoutMap: (block, kind) => [
      kind === "none"
        ? `${capital(block)} has no attention.`
        : `${capital(block)}: this saved file does not keep its attention.`,
    ],
    /** @type {(block: string, token: PageToken, share: number|null, isParallel: boolean) => Part[]} */
    mlp: (block, token, share, isParallel) => [
      isParallel
        ? `${capital(block)}: at the same time the MLP works on each token alone. `
        : `${capital(block)}: then the MLP works on each token alone. `,
      ...(share === null ? [] : ["It makes ", { share }, " of what ", { token }, " then holds."]),
    ],
    /** @type {(token: PageToken, outcomes: Outcome[]) => Part[]} */
    prediction: (token, outcomes) => [
      "The prediction is read from the last row. After ",
      { token },
      ...likeliest(", the likeliest next token is ", outcomes, [" with ", ", then ", "."]),
    ],
    /** @type {(block: string, token: PageToken, moved: number, most: Ends|null, isFirst: boolean) => Part[]} */
    credit: (block, token, moved, most, isFirst) => {
      /** @type {Part[]} */
      const start = isFirst
        ? ["Now backward, for ", { token }, " alone. Widths are now its credit: shares of what it holds at the end. "]
        : [];
      if (!most) return [...start, `${capital(block)}: all credit stays with its token.`];
      return [
        ...start,
        `${capital(block)}: `,
        { share: moved },
        " of that credit goes to other tokens, the largest part from ",
        { token: most.from },
        " back to ",
        { token: most.to },
        ": ",
        { share: most.share },
        ".",
      ];
    },
    /** @type {(token: PageToken, ends: Source[]) => Part[]} */
    picture: (token, [first, second]) => [
      "This is the picture from before, for ",
      { token },
      second ? ". Most of what it holds at the end comes from " : ". What it holds at the end comes from ",
      { token: first.token },
      ": ",
      { share: first.share },
      ...(second ? [", then ", { token: second.token }, ": ", { share: second.share }] : []),
      ". Credit says how much, not why: only a cut shows what matters.",
    ],
    /** @type {(draw: {token: PageToken, probability: number, number: number, seed: number}) => Part[]} */
    draw: ({ token, probability, number, seed }) => [
      `The next token is drawn, at temperature 1 with seed ${seed}. The random number `,
      { value: number },
      " falls on ",
      { token },
      ", whose probability is ",
      { share: probability },
      ".",
    ],
    /** @type {(token: PageToken, position: number) => Part[]} */
    append: (token, position) => [{ token }, ` goes to the end of the text, at position ${grouped(position)}.`],
    /** @type {(token: PageToken, count: number, isCached: boolean) => Part[]} */
    next: (token, count, isCached) =>
      isCached
        ? [
            "The next pass. The KV cache keeps the keys and values of earlier tokens, ",
            "so only the new row is computed: ",
            { token },
            ".",
          ]
        : [`The next pass without the cache: all ${grouped(count + 1)} rows are computed again.`],
    /** @type {(block: string, token: PageToken, most: Source|null, count: number, isCached: boolean,
     *   areWeights: boolean) => Part[]} */
    again: (block, token, most, count, isCached, areWeights) => {
      const [kept, same] =
        count === 1
          ? ["the earlier row is kept", "the earlier one gets the same numbers"]
          : [`the ${grouped(count)} earlier rows are kept`, `the ${grouped(count)} earlier ones get the same numbers`];
      const start = isCached
        ? `${capital(block)}: ${kept}, not computed again. `
        : `${capital(block)}: every row is computed again, and ${same}. `;
      if (!most) return [start, { token }, " takes nothing from them here."];
      const takes = areWeights ? " looks most at " : " takes most from ";
      const weight = areWeights ? ": attention weight " : ": ";
      return [start, { token }, takes, { token: most.token }, weight, { share: most.share }, "."];
    },
    /** @type {(token: PageToken, outcomes: Outcome[]) => Part[]} */
    more: (token, outcomes) => [
      "After ",
      { token },
      ...likeliest(", the likeliest next token is ", outcomes, [
        " with ",
        ", then ",
        ". One is drawn, and so the text grows, token by token.",
      ]),
    ],
    /** @type {() => Part[]} */
    noModel: () => [
      "The next pass needs the model, and this trace was opened from a file. Load the model and trace the text again.",
    ],
    /** @type {(message: string) => Part[]} */
    refused: (message) => [`The next pass is not shown. ${message}`],
  },
};

/** @typedef {typeof en.sentences} PlayWords */

/** @type {typeof en} */
const zh = {
  start: "播放",
  pause: "暂停",
  resume: "继续",
  again: "重新播放",
  back: "后退一步",
  forward: "前进一步",
  restart: "从头开始",
  end: "结束",
  finish: "回到图（Escape）",
  player: "播放器：空格暂停，方向键逐步，Escape 结束",
  steps: "已完成的步数",
  speed: (times) => `速度：${times} ×；点击更换`,
  uncached: "各行全部重算（不用 KV 缓存）",
  earlier: (count) => `更早的 ${grouped(count)} 个词元`,
  sentences: {
    embedding: (count, width, hasCuts) => [
      `${grouped(count)} 个词元从左边进入。每个词元变成一行 ${grouped(width)} 个数，即它的嵌入。`,
      "注意力进来之后，所有行一样宽：下面是原来就有的，上面是进来的。带子的宽度，是它在所进入的那一行里的份额。",
      hasCuts ? "播放的是没有切断时的前向传播。" : "",
    ],
    attention: (block, token, most, attention, isPooled) => {
      const start = `${block}${isPooled ? "（合为一列）" : ""}：`;
      if (!most && !attention) return [`${start}这里没有注意力到达 `, { token }, "。"];
      if (!most) return [start, { token }, " 只从自身取：这一步之后，占它内容的 ", { share: attention }, "。"];
      return [
        `${start}每个词元都从前面的词元取一些内容。`,
        { token },
        " 从 ",
        { token: most.token },
        " 取得最多。这一步之后，它的内容有 ",
        { share: most.share },
        " 来自那里；注意力从所有词元一共带来 ",
        { share: attention },
        "。",
      ];
    },
    looks: (block, token, most) =>
      most
        ? [
            `${block}：每个词元都看向前面的词元。`,
            { token },
            " 最多看向 ",
            { token: most.token },
            "：注意力权重 ",
            { share: most.share },
            "，对各个头取平均。",
          ]
        : [`${block}：这里 `, { token }, " 不看前面的词元。"],
    withoutMap: (block, kind) => [kind === "none" ? `${block}没有注意力。` : `${block}：这个文件没有保存它的注意力。`],
    mlp: (block, token, share, isParallel) => [
      isParallel ? `${block}：同时，MLP 单独处理每个词元。` : `${block}：接着，MLP 单独处理每个词元。`,
      ...(share === null ? [] : ["此后 ", { token }, " 处的内容有 ", { share }, " 来自 MLP。"]),
    ],
    prediction: (token, outcomes) => [
      "预测从最后一行读出。",
      { token },
      ...likeliest(" 之后最可能的词元是 ", outcomes, ["，概率 ", "；其次是 ", "。"]),
    ],
    credit: (block, token, moved, most, isFirst) => {
      /** @type {Part[]} */
      const start = isFirst ? ["现在倒着看，只看 ", { token }, "：宽度现在是它的贡献：在它最后内容里的份额。"] : [];
      if (!most) return [...start, `${block}：全部贡献留在各自的词元。`];
      return [
        ...start,
        `${block}：`,
        { share: moved },
        " 的这份贡献回到别的词元，其中最大的一份从 ",
        { token: most.from },
        " 回到 ",
        { token: most.to },
        "：",
        { share: most.share },
        "。",
      ];
    },
    picture: (token, [first, second]) => [
      "这就是 ",
      { token },
      " 的图。它最后的内容来自最多的是 ",
      { token: first.token },
      "：",
      { share: first.share },
      ...(second ? ["；其次是 ", { token: second.token }, "：", { share: second.share }] : []),
      "。贡献说明有多少，不说明为什么：只有切断才看得出什么重要。",
    ],
    draw: ({ token, probability, number, seed }) => [
      `抽取下一个词元，温度 1，种子 ${seed}。随机数 `,
      { value: number },
      " 落在 ",
      { token },
      " 上，它的概率是 ",
      { share: probability },
      "。",
    ],
    append: (token, position) => [{ token }, ` 接到文本末尾，位置 ${grouped(position)}。`],
    next: (token, count, isCached) =>
      isCached
        ? ["下一次前向传播。KV 缓存保存了前面词元的键和值，所以只计算新的一行：", { token }, "。"]
        : [`不用缓存的下一次前向传播：全部 ${grouped(count + 1)} 行都重新计算。`],
    again: (block, token, most, count, isCached, areWeights) => {
      const start = isCached
        ? `${block}：前面 ${grouped(count)} 行保留着，不再计算。`
        : `${block}：每一行都重新计算，前面 ${grouped(count)} 行得到同样的数。`;
      if (!most) return [start, "这里 ", { token }, " 没有从它们取得内容。"];
      const weight = areWeights ? "：注意力权重 " : " 取得最多：";
      return [
        start,
        { token },
        areWeights ? " 最多看向 " : " 从 ",
        { token: most.token },
        weight,
        { share: most.share },
        "。",
      ];
    },
    more: (token, outcomes) => [
      { token },
      ...likeliest(" 之后最可能的词元是 ", outcomes, [
        "，概率 ",
        "；其次是 ",
        "。再抽取一个，文本就这样逐个词元变长。",
      ]),
    ],
    noModel: () => ["下一次前向传播需要模型，而这条轨迹是从文件打开的。请加载模型，再跟踪这段文本。"],
    refused: (message) => [`下一次前向传播没有显示。${message}`],
  },
};

export const playCatalogue = { en, zh };
