// @ts-check
/** How far a part of a view scrolls, and how much room a presented view has. */

/** Let the ends of what is scrolled sideways, or down, fade where it goes on. @param {HTMLElement} box @param {boolean} [down] */
export function scrollCue(box, down = false) {
  const tell = () => {
    const [from, seen, all] = down
      ? [box.scrollTop, box.clientHeight, box.scrollHeight]
      : [box.scrollLeft, box.clientWidth, box.scrollWidth];
    box.toggleAttribute(down ? "data-above" : "data-before", from > 1);
    box.toggleAttribute(down ? "data-below" : "data-after", from + seen < all - 1);
  };
  box.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(box);
  new MutationObserver(tell).observe(box, { childList: true, subtree: true });
}

/** The height that a view has where it is presented; without end elsewhere. @param {HTMLElement} root */
export function roomOf(root) {
  return Number.parseFloat(getComputedStyle(root).getPropertyValue("--gv-room")) || Infinity;
}
