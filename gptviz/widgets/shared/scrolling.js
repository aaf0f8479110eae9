// @ts-check
/** Marks where a part of a view can be scrolled, and tells how much height a view has. */

const FOCUSABLE = "button, select, input, textarea, a[href], summary, [tabindex]";

/**
 * Lets the ends of a scrolling box fade where its content goes on. A box with more content than room, in which nothing
 * can have the focus, can have it itself, so that keys scroll it.
 * @param {HTMLElement} box
 * @param {boolean} [down] whether it scrolls down; otherwise sideways
 */
export function addScrollCues(box, down = false) {
  const update = () => {
    const [start, visible, whole] = down
      ? [box.scrollTop, box.clientHeight, box.scrollHeight]
      : [box.scrollLeft, box.clientWidth, box.scrollWidth];
    box.toggleAttribute(down ? "data-above" : "data-before", start > 1);
    box.toggleAttribute(down ? "data-below" : "data-after", start + visible < whole - 1);
    if (whole > visible + 1 && !box.querySelector(FOCUSABLE)) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  box.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(box);
  new MutationObserver(update).observe(box, { childList: true, subtree: true });
}

/**
 * Returns the height that a presented view has, in pixels; Infinity if nobody presents.
 * @param {HTMLElement} root
 */
export function availableHeight(root) {
  return Number.parseFloat(getComputedStyle(root).getPropertyValue("--gv-room")) || Infinity;
}

/**
 * Returns what scrolls a node: the notebook's panel in JupyterLab, else the page.
 * @param {HTMLElement} node
 * @returns {Element}
 */
export function scrollerOf(node) {
  for (let parent = node.parentElement; parent && parent !== document.body; parent = parent.parentElement) {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(parent).overflowY);
    if (scrolls && parent.scrollHeight > parent.clientHeight) return parent;
  }
  return document.scrollingElement ?? document.documentElement;
}
