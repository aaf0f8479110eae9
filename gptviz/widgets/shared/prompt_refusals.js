// @ts-check
/** The texts of refusals that views meet if they let the model read another prompt. */
import { grouped } from "./numbers.js";

const en = {
  prompt_empty: () => "Expected a prompt of at least one token. Got no token. Type at least one character.",
  prompt_too_long: (/** @type {{limit: number, tokens: number, model: string}} */ { limit, tokens, model }) =>
    `Expected a prompt of at most ${grouped(limit)} tokens, the context length of ${model}. ` +
    `Got ${grouped(tokens)} tokens. Shorten the prompt.`,
};

/** @type {typeof en} */
const zh = {
  prompt_empty: () => "提示至少要有一个词元。现在一个也没有。请至少输入一个字符。",
  prompt_too_long: ({ limit, tokens, model }) =>
    `提示最多 ${grouped(limit)} 个词元（${model} 的上下文长度）。现有 ${grouped(tokens)} 个。请缩短提示。`,
};

export const promptRefusals = { en, zh };
