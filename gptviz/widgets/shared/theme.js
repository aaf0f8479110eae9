// @ts-check
/** Reads the theme of the page and follows its changes. */

/** @typedef {"light"|"dark"} Theme */

/** Returns the theme of the page: JupyterLab marks its body, any other page follows the system. @returns {Theme} */
export function pageTheme() {
  const light = document.body.dataset.jpThemeLight;
  const dark = light === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : light === "false";
  return dark ? "dark" : "light";
}

/**
 * Keeps `data-theme` of a view equal to the theme of the page.
 * @param {HTMLElement} root
 * @param {() => void} [onChange] runs after the theme has changed
 * @returns {() => void} stops it
 */
export function followTheme(root, onChange) {
  const update = () => {
    const theme = pageTheme();
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    onChange?.();
  };
  root.dataset.theme = pageTheme();
  const observer = new MutationObserver(update);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", update);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", update);
  };
}
