// @ts-check
/** The words of the view of a training run, in each language. */

import { logitRefusals } from "../shared/logit_refusals.js";
import { promptRefusals } from "../shared/prompt_refusals.js";
import { addRefusals } from "../shared/words.js";

const en = {
  running: "running",
  ended: {
    running: () => "",
    paused: (/** @type {string} */ taken, /** @type {string} */ steps) => `paused at step ${taken} of ${steps}`,
    finished: (/** @type {string} */ taken) => `finished after ${taken} steps`,
    stopped: (/** @type {string} */ taken, /** @type {string} */ steps) => `stopped at step ${taken} of ${steps}`,
    failed: (/** @type {string} */ taken, /** @type {string} */ steps, /** @type {string} */ why) =>
      `failed at step ${taken} of ${steps}. ${why} The kept steps before it are here.`,
  },
  wasRunning: (/** @type {string} */ taken, /** @type {string} */ steps) =>
    `was running at step ${taken} of ${steps} when this page was saved`,
  taken: (/** @type {string} */ taken, /** @type {string} */ steps) => `step ${taken} of ${steps}`,
  lastLoss: (/** @type {string} */ loss) => `loss ${loss} nats`,
  pause: "pause training",
  resume: "resume training",
  stop: "stop training",
  runs: "Runs",
  firstRun: "first run",
  otherRun: (/** @type {number} */ index) => `run ${index + 1}`,
  forkName: (/** @type {string} */ step) => `fork at step ${step}`,
  ofRun: (/** @type {number} */ rate, /** @type {number} */ seed) => `learning rate ${rate}, seed ${seed}`,
  lossPanel: "Loss, in nats",
  sharePanel: "Measured at each kept step, from 0 to 1",
  stepAxis: "step",
  chart: (/** @type {string} */ name) => `${name}, by step`,
  nats: (/** @type {string} */ value) => `${value} nats`,
  measure: (/** @type {string} */ name) => measures.en[name] ?? name,
  thinned: (/** @type {number} */ width) =>
    `Each point is the mean loss of ${width} steps; the band goes from the smallest to the largest of them.`,
  noHeldOut: "No held-out text: the run was started without any.",
  noMeasures: "Nothing was measured at the kept steps of this run.",
  play: "▶ play",
  pauseFilm: "❚❚ pause",
  back: "the previous kept step",
  forward: "the next kept step",
  scrub: "Kept step",
  shownStep: (/** @type {string} */ step) => `step ${step}`,
  newest: "newest",
  newestHint: "Shows the newest kept step, and follows it while the run goes on.",
  oneStep: "One step has been kept so far, so there is nothing to choose yet.",
  leftOut: (/** @type {number} */ missing, /** @type {number} */ all) =>
    `This page has ${all - missing} of ${all} kept steps. ${missing} ${missing === 1 ? "was" : "were"} left out: ` +
    "a page has at most 20 MB.",
  otherRuns: (/** @type {string[]} */ names) =>
    `This page has the curves of ${names.join("; ")}. Their kept steps were left out: a page has those of the run ` +
    "that was shown when it was saved.",
  writes: (/** @type {string} */ step) => `What the model writes at step ${step}`,
  sampleHint: "The first tokens are the prompt. Each further token is the model’s likeliest one.",
  writesNothing: "nothing: the prompt fills the context",
  table: "All kept steps in numbers and samples",
  tableHint: "The loss is that of the step’s batch. The last step has no batch after it.",
  step: "step",
  lossNats: "loss (nats)",
  sample: "writes",
  fork: (/** @type {string} */ step) => `Fork here: train on from step ${step} with other settings`,
  forkHint: "The fork begins with the model of this step. An empty field leaves a setting as it is. The run goes on.",
  noData: "This run was opened from a folder. It has no data, so it cannot be forked.",
  settings: { steps: "steps", learning_rate: "learning rate", seed: "seed" },
  startFork: "fork",
};

/** @typedef {typeof en} Words */

/** @type {Words} */
const zh = {
  running: "训练中",
  ended: {
    running: () => "",
    paused: (taken, steps) => `已暂停在第 ${taken} 步，共 ${steps} 步`,
    finished: (taken) => `已完成，共 ${taken} 步`,
    stopped: (taken, steps) => `已停止在第 ${taken} 步，共 ${steps} 步`,
    failed: (taken, steps, why) => `在第 ${taken} 步出错，共 ${steps} 步。${why} 之前保留的步都在这里。`,
  },
  wasRunning: (taken, steps) => `保存本页时仍在训练，在第 ${taken} 步，共 ${steps} 步`,
  taken: (taken, steps) => `第 ${taken} 步，共 ${steps} 步`,
  lastLoss: (loss) => `损失 ${loss} 奈特`,
  pause: "暂停训练",
  resume: "继续训练",
  stop: "停止训练",
  runs: "各次训练",
  firstRun: "第一次训练",
  otherRun: (index) => `第 ${index + 1} 次训练`,
  forkName: (step) => `从第 ${step} 步分出`,
  ofRun: (rate, seed) => `学习率 ${rate}，种子 ${seed}`,
  lossPanel: "损失（奈特）",
  sharePanel: "在每个保留的步测得，从 0 到 1",
  stepAxis: "步",
  chart: (name) => `${name}，按步`,
  nats: (value) => `${value} 奈特`,
  measure: (name) => measures.zh[name] ?? name,
  thinned: (width) => `每个点是 ${width} 步损失的平均值；阴影从其中最小的到最大的。`,
  noHeldOut: "没有留出文本：开始训练时没有给。",
  noMeasures: "这次训练在保留的步没有测量任何东西。",
  play: "▶ 播放",
  pauseFilm: "❚❚ 暂停",
  back: "前一个保留的步",
  forward: "后一个保留的步",
  scrub: "保留的步",
  shownStep: (step) => `第 ${step} 步`,
  newest: "最新",
  newestHint: "显示最新保留的步；训练继续时一直跟随。",
  oneStep: "到现在只保留了一步，还没有可选的。",
  leftOut: (missing, all) =>
    `本页有 ${all} 个保留的步中的 ${all - missing} 个，略去了 ${missing} 个：一个页面最多 20 MB。`,
  otherRuns: (names) => `本页有${names.join("；")}的曲线，略去了它们保留的步：一个页面只有保存时所显示的那次训练的步。`,
  writes: (step) => `第 ${step} 步的模型写什么`,
  sampleHint: "开头的词元是提示。之后每个词元都是模型认为最可能的那个。",
  writesNothing: "什么也没写：提示已占满上下文",
  table: "所有保留的步：数字和样例",
  tableHint: "损失是该步批次的损失。最后一步之后没有批次。",
  step: "步",
  lossNats: "损失（奈特）",
  sample: "写出",
  fork: (step) => `从这里分出：从第 ${step} 步起换设置继续训练`,
  forkHint: "分出的训练从这一步的模型开始。空着的设置保持不变。原来的训练照常继续。",
  noData: "这次训练是从文件夹打开的。它没有数据，所以不能分出。",
  settings: { steps: "步数", learning_rate: "学习率", seed: "种子" },
  startFork: "分出",
};

/** What gptviz measures, by its name in Python; a measure of the reader’s own keeps its name. */
const measures = {
  en: /** @type {Record<string, string>} */ ({
    loss: "training batches",
    held_out: "held-out text",
    induction: "best induction head",
    previous: "best previous-token head",
    accuracy: "accuracy",
  }),
  zh: /** @type {Record<string, string>} */ ({
    loss: "训练批次",
    held_out: "留出文本",
    induction: "最强的归纳头",
    previous: "最强的前一词元头",
    accuracy: "准确率",
  }),
};

addRefusals({
  en: {
    step_not_kept: (/** @type {{step: number, nearest: string}} */ { step, nearest }) =>
      `Expected a step that was kept. Got ${step}. The nearest that were kept: ${nearest}.`,
    run_has_ended: () => "Expected a run that is paused. Got one that has ended. Fork it from a kept step.",
    run_without_data: () =>
      "Expected a run whose data is here. Got one that was opened from a folder. Start a new one from its model.",
  },
  zh: {
    step_not_kept: ({ step, nearest }) =>
      `需要一个保留的步。得到的是 ${step}。最近的保留步：${nearest.replace(" and ", " 和 ")}。`,
    run_has_ended: () => "需要一次暂停的训练。这一次已经结束。请从保留的步分出。",
    run_without_data: () => "需要一次带数据的训练。这一次是从文件夹打开的。请用它的模型开始新的训练。",
  },
});
addRefusals(promptRefusals);
addRefusals(logitRefusals);

export const catalogue = { en, zh };
