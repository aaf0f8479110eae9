// @ts-check
/**
 * Lets one element fill the screen. A browser, or the frame that a page is in, may refuse that; then nothing happens.
 */

/** @param {Element} root */
export function isFullScreen(root) {
  const tree = /** @type {Document|ShadowRoot} */ (root.getRootNode());
  return tree.fullscreenElement === root;
}

/** Fills the screen with an element, if that is allowed. @param {Element} root */
export function enterFullScreen(root) {
  if (isFullScreen(root) || !root.ownerDocument.fullscreenEnabled) return;
  root.requestFullscreen().catch(() => {}); // the element stays in its page
}

/** @param {Element} root */
export function leaveFullScreen(root) {
  if (isFullScreen(root)) root.ownerDocument.exitFullscreen().catch(() => {});
}
