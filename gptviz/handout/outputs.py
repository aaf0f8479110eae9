"""Turns what a cell displays into parts of a page: views stay alive, and what a page cannot show is named in its place.

Containers of ipywidgets become HTML around their children. Tables, text, formulas and pictures are shown; controls,
scripts and players need the notebook.
"""

import base64
import html
import json
from collections.abc import Iterator
from typing import Any

import ipywidgets

from gptviz.bertviz_views import FRAME
from gptviz.display.phrases import phrase
from gptviz.display.preferences import chosen_language
from gptviz.handout.formulas import formula_html
from gptviz.handout.markup import clean_html
from gptviz.handout.prose import prose_html, terminal_text, text_html
from gptviz.pages.wire import json_ready
from gptviz.widgets.shared.view import View

PLOTLY_FIGURE = "data-plotly"
_VIEW, _PLOTLY = "application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json"
_PICTURES = ("image/png", "image/jpeg", "image/gif")
_SECONDS_TO_FINISH = 60  # that a view may take for what it still generates

Part = View | str  # a view, or HTML


class Frame(str):
    """The HTML of a BertViz view, whose scripts the page's policy allows."""


def printed_parts(text: str) -> list[Part]:
    """Returns what a cell printed, as HTML; nothing if that is only white space."""
    return [text_html(text)] if terminal_text(text).strip() else []


def output_parts(data: dict[str, Any], metadata: dict[str, Any], widgets: list[Any]) -> Iterator[Part]:
    """Yields the parts of one output of a cell. widgets: those that the notebook has made."""
    id = data.get(_VIEW, {}).get("model_id")
    for widget in widgets:
        if id is not None and widget.comm is not None and widget.model_id == id:
            yield from _widget_parts(widget, widgets)
            return
    if _PLOTLY in data:
        yield _plotly(data[_PLOTLY])
    elif metadata.get("text/html") == FRAME:
        yield Frame(data["text/html"])
    else:
        yield _markup(data)


def _markup(data: dict[str, Any]) -> str:
    """Returns the richest form of an output that a page can show, as HTML."""
    if "text/html" in data:
        markup, left_out = clean_html(str(data["text/html"]))
        return markup + "".join(_absent(f"<{tag}>") for tag in left_out)
    if "text/markdown" in data:
        return prose_html(str(data["text/markdown"]))
    if "image/svg+xml" in data:
        return _picture("image/svg+xml", base64.b64encode(str(data["image/svg+xml"]).encode()).decode())
    if "text/latex" in data:
        return formula_html(str(data["text/latex"]))
    for kind in _PICTURES:
        if kind in data:
            return _picture(kind, data[kind])
    if "application/javascript" in data:
        return _absent("JavaScript")
    return text_html(html.unescape(str(data.get("text/plain", ""))))


def _picture(kind: str, content: str | bytes) -> str:
    encoded = content if isinstance(content, str) else base64.b64encode(content).decode()
    return f'<p><img alt="" src="data:{kind};base64,{"".join(encoded.split())}"></p>'


def _plotly(figure: Any) -> str:
    content = json.dumps(json_ready(figure), allow_nan=False).replace("<", "\\u003c")
    return f'<div {PLOTLY_FIGURE}><script type="application/json">{content}</script></div>'


def _absent(reason: str) -> str:
    """Returns the line that stands in place of what the page cannot show."""
    return f'<p class="absent">{html.escape(phrase(chosen_language(), "absent", what=reason))}</p>'


def _widget_parts(widget: Any, widgets: list[Any]) -> Iterator[Part]:
    if isinstance(widget, View):
        _finish(widget)
        yield widget
    elif hasattr(widget, "to_plotly_json"):  # plotly's FigureWidget; its numbers as JSON, without NumPy arrays
        import plotly.io  # here since it is slow to import

        yield _plotly(json.loads(plotly.io.to_json(widget)))
    elif isinstance(widget, ipywidgets.Box):
        yield from _container_parts(widget, widgets)
    elif isinstance(widget, ipywidgets.Output):
        for output in widget.outputs:
            if "text" in output:
                yield from printed_parts(output["text"])
            else:
                yield from output_parts(output.get("data", {}), output.get("metadata", {}), widgets)
    elif isinstance(widget, (ipywidgets.HTML, ipywidgets.HTMLMath)):
        yield _markup({"text/html": widget.value})
    elif isinstance(widget, ipywidgets.Label):
        yield f"<p>{html.escape(widget.value)}</p>"
    elif isinstance(widget, ipywidgets.Image):
        yield _picture(f"image/{widget.format}", widget.value)
    else:
        yield _absent(_name(widget))


def _container_parts(box: Any, widgets: list[Any]) -> Iterator[Part]:
    """Yields the children of a container: side by side, below each other, or under the titles of its tabs."""
    has_titles = isinstance(box, (ipywidgets.Tab, ipywidgets.Accordion))
    direction = "row" if isinstance(box, ipywidgets.HBox) else "column"
    yield f'<div class="box {direction}">'
    for number, child in enumerate(box.children):
        title = box.get_title(number) if has_titles else ""
        yield f"<details open><summary>{html.escape(title or str(number + 1))}</summary>" if has_titles else "<div>"
        yield from _widget_parts(child, widgets)
        yield "</details>" if has_titles else "</div>"
    yield "</div>"


def _name(widget: Any) -> str:
    """Returns the kind of a control, with its description and value: `IntSlider “x” (3)`."""
    description, value = getattr(widget, "description", ""), getattr(widget, "value", None)
    named = f" “{description}”" if description else ""
    return f"{type(widget).__name__}{named}" + (f" ({value!r:.40})" if isinstance(value, (str, int, float)) else "")


def _finish(view: View) -> None:
    """Waits for what a view still generates."""
    for member in view.family():
        if hasattr(member, "wait"):
            member.wait(_SECONDS_TO_FINISH)
