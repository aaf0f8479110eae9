// @ts-check
/** How a generated text can end, in each language. */
export const ends = {
  en: { itself: "the model ended the text itself", length: "the length limit was reached" },
  zh: { itself: "模型自行结束", length: "到达长度上限" },
};
