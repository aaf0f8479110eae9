// @ts-check
/** The edits of a pass as the page keeps them. */

/** An edit as `edit_list.py` writes it. @typedef {Record<string, any> & {kind: string, layer: number}} Edit */

/** Returns whether two edits do the same. @param {Edit} first @param {Edit} second */
export function isSameEdit(first, second) {
  const content = (/** @type {Edit} */ edit) =>
    JSON.stringify(
      Object.entries(edit)
        .filter(([name]) => name !== "code")
        .sort(),
    );
  return content(first) === content(second);
}
