// @ts-check
/** Long work in steps, between which other messages are answered. */

export class Tasks {
  constructor() {
    /** @type {Iterator<unknown>[]} */
    this.waiting = [];
    this.isRunning = false;
    /** Called when all work is done. @type {(() => void)[]} */
    this.listeners = [];
  }

  /** Adds work, which is done a step at a time. @param {Iterator<unknown>} work */
  add(work) {
    this.waiting.push(work);
    if (!this.isRunning) setTimeout(() => this.step());
    this.isRunning = true;
  }

  step() {
    const [work] = this.waiting;
    if (work?.next().done) this.waiting.shift();
    this.isRunning = this.waiting.length > 0;
    if (this.isRunning) setTimeout(() => this.step());
    else for (const listener of this.listeners.splice(0)) listener();
  }

  /** Adds work, and resolves when it is done. @param {Iterator<unknown>} work @returns {Promise<void>} */
  done(work) {
    return new Promise((resolve, reject) => this.add(reported(work, resolve, reject)));
  }

  /** Resolves when all work is done. @returns {Promise<void>} */
  idle() {
    return this.isRunning ? new Promise((resolve) => this.listeners.push(resolve)) : Promise.resolve();
  }
}

/** Does work, and calls one of two functions at its end. @param {Iterator<unknown>} work @param {() => void} onDone
 * @param {(error: unknown) => void} onError */
function* reported(work, onDone, onError) {
  try {
    while (!work.next().done) yield;
    onDone();
  } catch (error) {
    onError(error);
  }
}
