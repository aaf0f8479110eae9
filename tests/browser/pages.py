"""Views in a plain page of Chromium: their real modules and state, with their real Python objects answering.

This is quicker than JupyterLab and runs the same page code. The page's model object has the part of anywidget's
interface that views use.
"""

import base64
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from view_classes import views_of_a_trace

import gptviz
from gptviz.pages.modules import bundle
from gptviz.pages.stored import state_of

OF_A_TRACE = views_of_a_trace()
# The traits that page sides write to.
PAGE_SETS = ("layer", "head", "query", "key", "choice", "_edits", "_watched", "_explained", "_stack")
# The page's own module as a script, whose names are global.
PAGE_SCRIPT = bundle(Path(gptviz.__file__).parent / "pages" / "page.js").replace("\nexport ", "\n")
HOST = (
    PAGE_SCRIPT
    + r"""
const fromKernel = (index) => (message) => kernel(index, message);
globalThis.saves = 0;
const toKernel = (index) => (state) => {
  saves += 1;
  return kernel(index, { kind: "set", state });
};
globalThis.models = [];
globalThis.selections = {};
// What anywidget's host does for a view: finds another widget's model by its reference.
globalThis.host = {
  getModel: async (reference) => selections[reference] ?? models[children[reference]],
  getWidget: async (reference) => {
    if (!(reference in children) && !(await adopt(reference))) throw new Error("no such widget");
    return { render: ({ el }) => draw(children[reference], el) };
  },
};
globalThis.children = {};
globalThis.modules = {};
globalThis.share = (reference, state) => {
  selections[reference] ??= new PageModel(state, fromKernel(reference), toKernel(reference));
};
globalThis.update = (index, state, buffers) => {
  withBuffers(state, buffers);
  const model = models[index], changed = Object.keys(state).filter((name) => model.state[name] !== state[name]);
  Object.assign(model.state, state);
  for (const name of changed) model.emit("change:" + name);
};
globalThis.prepare = async (index, reference, module, css, state, buffers) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  modules[index] = (await import(URL.createObjectURL(new Blob([module], { type: "text/javascript" })))).default;
  models[index] = new PageModel(withBuffers(state, buffers), fromKernel(index), toKernel(index));
  children[reference] = index;
};
const draw = async (index, el) => {
  models[index].cleanup = await modules[index].render({ model: models[index], el, host });
};
const adopt = async (reference) => {
  const data = await newView(reference);
  if (!data) return false;
  for (const model of data.shared) share(...model);
  await prepare(...data.view);
  return true;
};
globalThis.show = async (index) => {
  const el = document.createElement("div");
  document.getElementById("views").append(el);
  await draw(index, el);
};
null;
"""
)

# Keeps the answers to the model with this index back until the page calls release().
HOLD_ANSWERS = """(index) => {
  const { answer } = models[index], held = new Promise((resolve) => { globalThis.release = resolve; });
  models[index].answer = async (message) => (await held, answer(message));
}"""

NOTHING_IS_PENDING = """() =>
  !document.querySelector("[data-computing], [data-asking], [data-waiting], .grid[aria-busy=true]")"""
# The kernel answers in order: when it has answered this message, it has answered those before it.
ROUND_TRIP = """async () => {
  await new Promise(requestAnimationFrame);
  if (globalThis.models?.length) await kernel(0, { kind: "set", state: {} });
}"""
NOTHING_MOVES = """async () => {
  const look = () => [...document.body.querySelectorAll("*")].map((node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    return [x, y, width, height].join();
  }).join(";");
  for (let before = "", same = 0; same < 3; ) {
    await new Promise(requestAnimationFrame);
    const now = look();
    same = now === before ? same + 1 : 0;
    before = now;
  }
}"""


def settle(page: Page) -> None:
    """Waits until every question of the page is answered and nothing on it has moved for three frames.

    Views write numbers one frame after bars, and adapt to the space they have one frame after they are drawn.
    """
    page.evaluate(ROUND_TRIP)
    page.wait_for_function(NOTHING_IS_PENDING)
    page.evaluate(NOTHING_MOVES)


class ViewPage:
    """Widgets shown one below the other in a page; their questions go to the Python objects."""

    def __init__(self, page: Page, widgets: list[Any], dark: bool = False, background: str = ""):
        self.page, self.widgets = page, widgets
        page.expose_function("kernel", self._kernel)
        page.expose_function("newView", self._new_view)
        page.set_content(
            '<!doctype html><meta charset="utf-8"><body style="margin:0"><div id="views" style="padding:16px"></div>'
        )
        self.set_theme(dark, background)
        page.evaluate(HOST)
        shown = len(widgets)
        self.widgets = [*widgets, *(child for widget in widgets for child in widget.family()[1:])]
        for widget in self.widgets:
            shared, view = self._page_data(widget)
            page.evaluate("(all) => { for (const one of all) share(...one); }", shared)
            page.evaluate("(a) => prepare(...a)", view)
        for index in range(shown):
            page.evaluate("show", index)
        page.wait_for_function("() => !document.querySelector('[data-computing], [data-asking]')")

    def set_theme(self, dark: bool, background: str = "") -> None:
        """Makes the page light or dark; its views follow."""
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        colour = background or ("#111317" if dark else "#ffffff")
        self.page.evaluate("(colour) => { document.body.style.background = colour; }", colour)

    def _page_data(self, widget: Any) -> tuple[list[Any], list[Any]]:
        """Returns what the page needs to draw a view: the models that it shares; its index, reference, module, style, state."""
        shared = [[model.reference, state_of(model)[0]] for model in widget.shared_models()]
        reference = f"anywidget:{widget.model_id}"
        module = [self.widgets.index(widget), reference, str(widget._esm), str(widget._css)]
        return shared, [*module, *state_of(widget)]

    def _new_view(self, reference: str) -> dict[str, Any] | None:
        """Returns the page data of a view that another view made after the page was opened; None for anything else."""
        made = [getattr(widget, name, None) for widget in self.widgets for name in ("_bench", "_own_attention")]
        new = next((view for view in made if view is not None and f"anywidget:{view.model_id}" == reference), None)
        if new is None:
            return None
        self.widgets.append(new)
        shared, view = self._page_data(new)
        return {"shared": shared, "view": view}

    def _kernel(self, index: int | str, message: Any) -> list[Any]:
        of_selection = [w.selection for w in self.widgets if w._selection == index]
        target, sent = of_selection[0] if of_selection else self.widgets[int(index)], []
        target.send = lambda content, buffers=None: sent.append(
            [content, [base64.b64encode(b).decode() for b in buffers or []]]
        )
        if isinstance(message, dict) and message.get("kind") == "set":
            own = {k: v for k, v in message["state"].items() if k in PAGE_SETS}
            target.set_state({k: v for k, v in own.items() if target.has_trait(k)})
        else:
            target._on_message(target, message, [])
        return sent

    def update(self) -> None:
        """Sends every widget's state again, as the kernel would after a change."""
        for index, widget in enumerate(self.widgets):
            self.page.evaluate("(a) => update(...a)", [index, *state_of(widget)])
        self.page.wait_for_function("() => !document.querySelector('[data-computing], [data-asking]')")

    def screenshot(self, path: Path) -> None:
        """Saves a picture of the whole page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path), full_page=True)


def colour_table(page: Page, name: str, theme: str) -> list[list[int]]:
    """Returns the 256 colours [r, g, b] of a map in a theme, from the module that draws with them."""
    source = bundle(Path(gptviz.__file__).parent / "widgets" / "shared" / "colours.js")
    return page.evaluate(
        """async ([source, name, theme]) => {
            const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            return module[name](theme);
        }""",
        [source, name, theme],
    )
