// @ts-check
/** The words of the prompt box, in each language. */
import { logitRefusals } from "../shared/logit_refusals.js";
import { promptRefusals } from "../shared/prompt_refusals.js";
import { reads } from "../shared/reads_words.js";
import { servedRefusals } from "../shared/served_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  run: "Run",
  status: reads.en,
  uncounted: (/** @type {string} */ model) => `${model} reads the prompt; its server does not report the tokens`,
  revealed: "tokens of the prompt",
  revealedHint:
    "The number under a token: how probable the model found it after those before it, as the server reports it. " +
    "A stronger colour marks a more surprising token.",
  rarest: "1 % or less",
  first: "not known: nothing stands before the first token",
  unrevealed: "not revealed",
  without: {
    hidden: "It is not known how surprising each token is: the server reveals no probabilities.",
    echo: "It is not known how surprising each token is: unlike vLLM, this server does not echo prompts.",
    chat: "It is not known how surprising each token is: no server echoes messages. Give a text in their place.",
  },
  source: "source",
  target: "target",
  own: "Empty: the model writes its own target, the likeliest token at each step. The one shown:",
  statusOfBoth: (/** @type {string} */ model, /** @type {number} */ source, /** @type {number} */ target) =>
    `${reads.en(model, source)} of the source, and ${target} of the target`,
  nothing: "The prompt is empty: these are only the tokenizer’s own special tokens.",
  kept: (/** @type {string} */ prompt, /** @type {number} */ tokens) =>
    `Views and questions still belong to the prompt “${prompt}” (${tokens} ${tokens === 1 ? "token" : "tokens"}).`,
  asChat: "as chat",
  messages: "messages",
  /** @type {Record<string, string>} */
  roles: { system: "system", user: "user", assistant: "assistant" },
  roleOf: (/** @type {number} */ number) => `role of message ${number}`,
  contentOf: (/** @type {number} */ number) => `message ${number}`,
  remove: (/** @type {number} */ number) => `remove message ${number}`,
  add: "add a message",
  appended: "appended after the messages:",
  earlier: "earlier prompts",
  forget: "forget them",
  forgetHint: "Empties the list of earlier prompts. A page that you save afterwards does not have them.",
  unknownRoles: "The model’s chat template does not show which tokens belong to which message.",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  run: "运行",
  status: reads.zh,
  uncounted: (model) => `${model} 读入提示；它的服务器不透露词元`,
  revealed: "提示的词元",
  revealedHint: "词元下的数字：模型认为它接在前文之后的概率，由服务器给出。颜色越强，越出人意料。",
  rarest: "不超过 1 %",
  first: "无法得知：第一个词元之前没有内容",
  unrevealed: "未透露",
  without: {
    hidden: "每个词元有多出人意料无从得知：服务器不透露概率。",
    echo: "每个词元有多出人意料无从得知：服务器不像 vLLM 那样回显提示。",
    chat: "每个词元有多出人意料无从得知：服务器不回显消息。文本则可以。",
  },
  source: "源文",
  target: "目标",
  own: "留空：由模型自己写出目标，每一步取概率最大的词元。现在显示的是：",
  statusOfBoth: (model, source, target) => `${model} 读入源文 ${source} 个词元、目标 ${target} 个词元`,
  nothing: "提示是空的：这里只有分词器自己的特殊词元。",
  kept: (prompt, tokens) => `视图和问题仍属于“${prompt}”（${tokens} 个词元）。`,
  asChat: "对话",
  messages: "消息",
  roles: { system: "系统 system", user: "用户 user", assistant: "助手 assistant" },
  roleOf: (number) => `第 ${number} 条消息的角色`,
  contentOf: (number) => `第 ${number} 条消息`,
  remove: (number) => `删除第 ${number} 条消息`,
  add: "添加一条消息",
  appended: "接在消息之后：",
  earlier: "之前的提示",
  forget: "清空",
  forgetHint: "清空之前的提示。此后保存的页面里没有它们。",
  unknownRoles: "从模型的对话模板看不出哪些词元属于哪条消息。",
};

addRefusals(promptRefusals);
addRefusals(logitRefusals);
addRefusals(servedRefusals);

export const catalogue = { en, zh };
