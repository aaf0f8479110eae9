"""Views in a plain page: their real modules and state in Chromium, their real Python objects answering.

Quicker than JupyterLab, and the same page side. The page's model object is the part of anywidget's that views use.
"""

import base64
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

HOST = r"""
class PageModel {
  constructor(index, state) { this.index = index; this.state = state; this.heard = new Map(); this.sent = 0; this.saved = 0; }
  get(name) { return this.state[name]; }
  set(name, value) { if (this.state[name] !== value) { this.state[name] = value; this.tell("change:" + name); } }
  of(name) { return this.heard.get(name) ?? []; }
  on(names, callback) { for (const name of names.split(" ")) this.heard.set(name, [...this.of(name), callback]); }
  off(names, callback) {
    for (const name of names.split(" ")) this.heard.set(name, this.of(name).filter((one) => one !== callback));
  }
  tell(name, ...what) { for (const callback of this.of(name)) callback(...what); }
  save_changes() { this.saved += 1; return kernel(this.index, { kind: "set", state: this.state }); }
  async send(message) {
    this.sent += 1;
    const replies = await kernel(this.index, message);
    for (const [reply, buffers] of replies) this.tell("msg:custom", reply, buffers.map(bytes));
  }
}
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const revive = (state, buffers) => {
  for (const [name, text] of Object.entries(buffers)) state[name] = bytes(text);
  return state;
};
globalThis.models = [];
globalThis.selections = {};
// What anywidget's host does for a view: finds another widget's model by its reference.
globalThis.host = {
  getModel: async (reference) => selections[reference],
  getWidget: async (reference) => ({ render: ({ el }) => draw(children[reference], el) }),
};
globalThis.children = {};
globalThis.modules = {};
globalThis.share = (reference, state) => { selections[reference] ??= new PageModel(reference, state); };
globalThis.update = (index, state, buffers) => {
  revive(state, buffers);
  const model = models[index], changed = Object.keys(state).filter((name) => model.state[name] !== state[name]);
  Object.assign(model.state, state);
  for (const name of changed) model.tell("change:" + name);
};
globalThis.prepare = async (index, reference, module, css, state, buffers) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  modules[index] = (await import(URL.createObjectURL(new Blob([module], { type: "text/javascript" })))).default;
  models[index] = new PageModel(index, revive(state, buffers));
  children[reference] = index;
};
const draw = async (index, el) => {
  models[index].cleanup = await modules[index].render({ model: models[index], el, host });
};
globalThis.show = async (index) => {
  const el = document.createElement("div");
  document.getElementById("views").append(el);
  await draw(index, el);
};
null;
"""
HIDDEN = ("_esm", "_css", "_anywidget_id", "layout", "tabbable", "tooltip", "_dom_classes")


def state_of(widget: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A widget's synced state as JSON, and its bytes in base64."""
    state = {k: v for k, v in widget.get_state().items() if k not in HIDDEN and not k.startswith(("_model_", "_view_"))}
    raw = {k: bytes(v) for k, v in state.items() if isinstance(v, (bytes, bytearray, memoryview))}
    return {k: v for k, v in state.items() if k not in raw}, {k: base64.b64encode(v).decode() for k, v in raw.items()}


class ViewPage:
    """Widgets shown one below the other in a page; their questions go to the Python objects."""

    def __init__(self, page: Page, widgets: list[Any], dark: bool = False, background: str = ""):
        self.page, self.widgets = page, widgets
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.expose_function("kernel", self._kernel)
        colour = background or ("#111317" if dark else "#ffffff")
        page.set_content(
            f'<!doctype html><meta charset="utf-8"><body style="margin:0;background:{colour}">'
            '<div id="views" style="padding:16px"></div>'
        )
        page.evaluate(HOST)
        shown = len(widgets)
        self.widgets = [*widgets, *(child for one in widgets for child in getattr(one, "_stations", {}).values())]
        for index, widget in enumerate(self.widgets):
            state, buffers = state_of(widget)
            page.evaluate("(a) => share(...a)", [widget._selection, state_of(widget.selection)[0]])
            reference = f"anywidget:{widget.model_id}"
            page.evaluate(
                "(a) => prepare(...a)", [index, reference, str(widget._esm), str(widget._css), state, buffers]
            )
        for index in range(shown):
            page.evaluate("show", index)
        page.wait_for_function("() => !document.querySelector('[data-computing]')")

    def _kernel(self, index: int | str, message: Any) -> list[Any]:
        if isinstance(message, dict) and message.get("kind") == "set":
            of_selection = [w.selection for w in self.widgets if w._selection == index]
            target = of_selection[0] if of_selection else self.widgets[int(index)]
            own = {k: v for k, v in message["state"].items() if k in ("layer", "head", "query", "key", "choice")}
            target.set_state({k: v for k, v in own.items() if target.has_trait(k)})
            return []
        widget, sent = self.widgets[int(index)], []
        widget.send = lambda content, buffers=None: sent.append(
            [content, [base64.b64encode(b).decode() for b in buffers or []]]
        )
        widget._on_message(widget, message, [])
        return sent

    def update(self) -> None:
        """Send every widget's state again, as the kernel would after a change."""
        for index, widget in enumerate(self.widgets):
            self.page.evaluate("(a) => update(...a)", [index, *state_of(widget)])
        self.page.wait_for_function("() => !document.querySelector('[data-computing]')")

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path), full_page=True)
