// @ts-check
/** The texts of refusals that views of a served model meet. */
const en = {
  served_inside: () =>
    "Expected a model whose inside can be read. Got one on a server, which reveals tokens and probabilities only. " +
    "Load the model here, with gptviz.load(name).",
  served_leader: () =>
    "Expected one of the tokens that the server reveals. Got another one. Choose one of those shown.",
  served_append_messages: () =>
    "Expected a text to append to. Got messages, which a server reads only as a whole. Type the prompt as a text.",
  served_part: () =>
    "Expected a token of whole characters. Got a part of a character, and the server reports no ids. Choose another.",
  served_force_chat: () =>
    "Expected a text to force a token in. Got a chat, and the server does not report token ids. " +
    "Type the prompt as a text.",
  served_step: () =>
    "Expected a step with the model’s own probabilities. Got one without them: the server revealed probabilities " +
    "after the settings, or none. Generate at temperature 1, without cuts.",
};

/** @type {typeof en} */
const zh = {
  served_inside: () =>
    "需要能读到内部的模型。这个模型在服务器上，只透露词元和概率。请用 gptviz.load(name) 在这里加载模型。",
  served_leader: () => "应是服务器透露的词元之一。得到的是别的词元。请从显示的词元中选。",
  served_append_messages: () => "只能接在文本之后。现在是消息，服务器只整条读入消息。请把提示当作文字输入。",
  served_part: () => "需要由完整字符组成的词元。得到的是字符的一部分，而服务器不透露编号。请选别的词元。",
  served_force_chat: () => "只能在文本中强制词元。现在是对话，而服务器不透露词元编号。请把提示当作文字输入。",
  served_step: () => "这一步需要模型自己的概率。服务器只给出设置之后的概率，或者不给。请用温度 1、不加截断来生成。",
};

export const servedRefusals = { en, zh };
