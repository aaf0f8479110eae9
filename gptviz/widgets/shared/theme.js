// @ts-check
/** The theme of the page: light or dark. */

/** Whether the page is dark: JupyterLab says so on its body, elsewhere the system does. */
export function isDark() {
  const said = document.body.dataset.jpThemeLight;
  return said === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : said === "false";
}

/** Keep `data-theme` on the view, and call back when it changes. @param {HTMLElement} root @param {() => void} [changed]
 * @returns {() => void} stop */
export function followTheme(root, changed) {
  const apply = () => {
    const theme = isDark() ? "dark" : "light";
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    changed?.();
  };
  root.dataset.theme = isDark() ? "dark" : "light";
  const observer = new MutationObserver(apply);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", apply);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", apply);
  };
}
