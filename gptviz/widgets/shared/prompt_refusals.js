// @ts-check
/** The texts of refusals that views meet if they let the model read another prompt. */
import { grouped } from "./numbers.js";

const en = {
  prompt_empty: () => "Expected a prompt of at least one token. Got no token. Type at least one character.",
  prompt_too_long: (/** @type {{limit: number, tokens: number, model: string}} */ { limit, tokens, model }) =>
    `Expected a prompt of at most ${grouped(limit)} tokens, the context length of ${model}. ` +
    `Got ${grouped(tokens)} tokens. Shorten the prompt.`,
  prompt_sound: (/** @type {{model: string}} */ { model }) =>
    `Expected a model that reads text, which can be typed here. Got ${model}, which reads sound. ` +
    "In Python, gpt.trace(path) makes a trace that views show.",
  chat_no_template: () =>
    "Expected a model with a chat template. Got one whose tokenizer has none. " +
    "Type the prompt as a text, or choose a model that was tuned for chat.",
  chat_refused: (/** @type {{why: string}} */ { why }) =>
    `Expected messages that the model’s chat template accepts. Got these, for which it says: ${why}. ` +
    "Many templates want user and assistant in turn, beginning with user, and some know no system message.",
};

/** @type {typeof en} */
const zh = {
  prompt_empty: () => "提示至少要有一个词元。现在一个也没有。请至少输入一个字符。",
  prompt_too_long: ({ limit, tokens, model }) =>
    `提示最多 ${grouped(limit)} 个词元（${model} 的上下文长度）。现有 ${grouped(tokens)} 个。请缩短提示。`,
  prompt_sound: ({ model }) =>
    `这里要能读文字的模型，文字才能输入。${model} 读的是声音。可以在 Python 中用 gpt.trace(path) 得到轨迹，再交给视图。`,
  chat_no_template: () => "模型要有对话模板。这个模型的分词器没有。请把提示当作文字输入，或选用为对话调整过的模型。",
  chat_refused: ({ why }) =>
    `消息要能被模型的对话模板接受。对这些消息，模板说：${why}。许多模板要求 user 与 assistant 轮流，并以 user 开头；有些不接受 system 消息。`,
};

export const promptRefusals = { en, zh };
