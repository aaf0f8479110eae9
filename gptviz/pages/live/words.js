// @ts-check
/** The words of the line above the views of a page that runs the model. */

const en = {
  about:
    "The model is in this file. It runs in this page: no network, no installation, nothing is stored. " +
    "Type a text below and press Run; every number is the model’s own.",
  problem:
    "The model could not be started in this browser. Open the file in a current Chrome, Edge, Firefox or Safari.",
};

/** @type {typeof en} */
const zh = {
  about:
    "模型就在这个文件里，在本页中运行：不联网、不安装、不保存任何内容。在下面输入文字，点“运行”；每个数都是模型自己算的。",
  problem: "这个浏览器无法启动模型。请用新版 Chrome、Edge、Firefox 或 Safari 打开此文件。",
};

export const catalogue = { en, zh };
