// @ts-check
/** The names of an encoder-decoder's stacks, in each language. */
const en = {
  stack: "attention:",
  stacks: {
    encoder: "encoder: source to source",
    decoder: "decoder: target to target",
    cross: "cross attention: target to source",
  },
};

/** @type {typeof en} */
const zh = {
  stack: "注意力：",
  stacks: { encoder: "编码器：源文看源文", decoder: "解码器：目标看目标", cross: "交叉注意力：目标看源文" },
};

export const stackWords = { en, zh };
