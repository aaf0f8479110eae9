// @ts-check
/** What the picture and its parts ask of the view around them. These are types alone. */

/** @typedef {import("./open_head.js").Cell} Cell */
/**
 * What the picture does in the view around it, and asks of it. `unfold`, `fold`: show the blocks of a pooled column, or
 * put them together again; `hasBlocks`, `hasHead`, `hasCell`: whether these, a map or an arithmetic can be shown;
 * `offer`: turns a control off or on.
 * @typedef {{follow: (token: number) => void, cuts: () => import("./cutting.js").Cutting, opened: () => void,
 *   openHead: (layer: number, head: number, focusBack: () => void) => void,
 *   openCell: (cell: Cell, focusBack: () => void) => void, hasHead: (which: {layer: number, head: number}) => boolean,
 *   hasCell: (cell: Cell) => boolean, offer: (control: HTMLButtonElement, isOn: boolean) => HTMLButtonElement,
 *   unfold: (column: number) => void, fold: () => void, hasBlocks: (column: number) => boolean,
 *   room: () => number, cutsAll: boolean, isAnswered: (name: string, args: any) => boolean,
 *   ask: (name: string, args: any) => Promise<any>}} Actions
 */

export {};
