// @ts-check
/** What the kernel answers about a generation: its steps and its branches. These are types alone. */

/** @typedef {import("../shared/chips.js").PageToken} PageToken */
/**
 * A number is null if the server of a model does not reveal it.
 * @typedef {{token: PageToken, probability: number|null, sampling: number|null}} Alternative
 */
/**
 * @typedef {Alternative & {entropy: number|null, kept: number|null, mass: number|null, text: string,
 *   cached: [number, number]|null, served: boolean, alternatives: Alternative[]}} Step
 */
/** @typedef {{parent: number|null, at: number, token: PageToken|null, text: string, spelled: PageToken[]}} Branch */
/**
 * What is new of a generation, as the kernel answers it.
 * @typedef {{source: number, choice: number, from: number, steps: Step[], prompt: string, prompt_spelled: PageToken[],
 *   source_text: string, text: string, finish_reason: string|null, branches: Branch[], seed: number, settings:
 *   Record<string, number|null>, done: boolean, problem: string}} News
 */

export {};
