"""Widgets as one HTML file that needs nothing: no network, no kernel, no second file.

The page holds the views' own modules, their state, and answers to the questions that the views would ask, the most
wanted first, as many as fit; `static/page.js` stands in for the notebook. A Content-Security-Policy lets nothing else
run. Not about what the numbers mean.
"""

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from gptviz.display.preferences import chosen_language
from gptviz.errors import GPTVizError, WrongType, fail, refusal
from gptviz.pages.modules import bundle
from gptviz.pages.wire import pack
from gptviz.widgets.shared.view import View

MOST_BYTES = 20_000_000  # of one file; answers that do not fit are said to be missing
PROGRESS_AFTER = 2.0  # seconds
_Offer = tuple[str, dict[str, Any], int]  # a question's key, its answer as the page keeps it, their bytes
_MODULE_END = "export default "
_TAGS = {"en": "en", "zh": "zh-Hans"}  # BCP 47
_STYLE = """body { margin: 0 auto; max-width: 1280px; padding: 16px; background: #ffffff; color: #1c1f24;
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { body { background: #111317; color: #e7e9ec; } }
"""


def save_html(path: str | os.PathLike[str], *parts: View | str, title: str = "gptviz") -> Path:
    """Write `parts` below each other as one page: views, and between them HTML that is put in as it is. The file's path.

    The folder must exist; a file of that name is replaced. What would need the kernel says so where it is asked for.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise fail("a path in a folder that exists", f"{target}", "Make the folder first, or give another path.")
    target.write_text(page(*parts, title=title), encoding="utf-8")
    return target


def page(
    *parts: View | str, title: str = "gptviz", styles: Sequence[str] = (), scripts: Sequence[str] = (), frames: str = ""
) -> str:
    """The page as text. styles, scripts: more of them, which the policy then allows; frames: HTML whose scripts and
    styles, within frames of their own, it allows too."""
    views = [part for part in parts if isinstance(part, View)]
    for part in parts:
        if not isinstance(part, (View, str)):
            raise fail("views and HTML text", type(part).__name__, "Give for example an AttentionView.", WrongType)
    everyone = list({one.model_id: one for view in views for one in view.family()}.values())
    modules = {view._name: view for view in everyone}
    own = [_module(name, str(view._esm)) for name, view in modules.items()]
    host = bundle(Path(__file__).with_name("page.js"))
    own.append(f"{host}\nopenPage(JSON.parse(document.getElementById('data').textContent), globalThis.gptviz);")
    look = ["\n".join([_STYLE, *styles, *dict.fromkeys(str(view._css) for view in modules.values())])]
    body = "\n".join(_place(part) for part in parts)
    language = _TAGS[views[0].language if views else chosen_language()]
    shell = partial(_shell, title, language, [*own, *scripts], look, body, _policy([*own, *scripts], look, frames))
    return shell(_data(everyone, views, MOST_BYTES - len(shell("").encode())))


def _module(name: str, source: str) -> str:
    """A view's module, which puts itself where the page finds it: a page without a server can import nothing."""
    return source.replace(_MODULE_END, f"(globalThis.gptviz ??= {{}})[{json.dumps(name)}] = ")


def _place(part: View | str) -> str:
    return part if isinstance(part, str) else f'<div data-gptviz="anywidget:{part.model_id}"></div>'


def _policy(scripts: list[str], styles: list[str], frames: str) -> str:
    """What may run and be shown: what stands in the page, named by its hash. A frame inherits the page's policy.

    An empty style element is allowed, for scripts that add rules to it.
    """
    framed = html.unescape(frames)
    scripts = [*scripts, *re.findall(r"<script[^>]*>(.*?)</script>", framed, re.DOTALL)]
    styles = [*styles, "", *re.findall(r"<style[^>]*>(.*?)</style>", framed, re.DOTALL)]
    policy = [
        "default-src 'none'",
        f"script-src {' '.join(dict.fromkeys(map(_hash, scripts)))}",
        f"style-src {' '.join(dict.fromkeys(map(_hash, styles)))}",
        "img-src data: blob:",
    ]
    if frames:
        policy.append("style-src-attr 'unsafe-inline'")  # BertViz sets the style of its elements by attributes
    return "; ".join(policy)


def _shell(title: str, language: str, scripts: list[str], styles: list[str], body: str, policy: str, data: str) -> str:
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{language}"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="generator" content="gptviz">',
            f"<title>{html.escape(title)}</title>",
            *(f"<style>{style}</style>" for style in styles),
            "</head><body><main>",
            body,
            "</main>",
            f'<script type="application/json" id="data">{data}</script>',
            *(f'<script type="module">{script}</script>' for script in scripts),
            "</body></html>",
        ]
    )


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _data(everyone: list[View], roots: list[View], room: int) -> str:
    widgets: dict[str, dict[str, Any]] = {}
    for view in everyone:
        state, buffers = state_of(view)
        widgets[_reference(view)] = {"module": view._name, "state": state, "buffers": buffers, "answers": {}}
    data = {
        "root": [_reference(view) for view in roots],
        "widgets": widgets,
        "selections": {view.selection.reference: state_of(view.selection)[0] for view in everyone},
    }
    with tqdm(unit=" answers", leave=False, delay=PROGRESS_AFTER) as bar:
        _fill_in(widgets, everyone, room - len(_json(data).encode()), bar)
    return _json(data)


def _fill_in(widgets: dict[str, dict[str, Any]], everyone: list[View], left: int, bar: Any) -> None:
    """Answers to each view's questions as long as they fit, in rounds: each view may take an equal share of the room, and
    what is left of it is shared out anew among those that were cut, until no more of it can be used."""
    waiting: list[tuple[View, Iterator[_Offer]]] = [(view, _offers(view)) for view in everyone]
    taken = 1
    while waiting and taken:
        taken, share = 0, left // len(waiting)
        asking, waiting = waiting, []
        for view, offers in asking:
            bar.set_description_str(type(view).__name__)
            answers, room = widgets[_reference(view)]["answers"], share
            for key, kept, size in offers:
                if size > room:
                    waiting.append((view, chain([(key, kept, size)], offers)))
                    break
                answers[key] = kept
                room, left, taken = room - size, left - size, taken + 1
                bar.update(1)


def _offers(view: View) -> Iterator[_Offer]:
    """The view's answers as the page keeps them, the most wanted first."""
    for name, args, answer in view.answers_for_a_page():
        key, kept = question_key(name, args), _kept(answer)
        if view._sealed:
            kept = {"sealed": base64.b64encode(json.dumps(kept).encode()).decode()}
        yield key, kept, len(_json({key: kept}).encode()) + 1


def _reference(view: View) -> str:
    return f"anywidget:{view.model_id}"


def _json(value: Any) -> str:
    """JSON that stands safely within a script element, whatever texts are in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _kept(answer: Any) -> dict[str, Any]:
    if isinstance(answer, GPTVizError):
        return refusal(answer)
    if isinstance(answer, np.ndarray):
        header, raw = pack(answer)
        return {"array": header, "buffer": base64.b64encode(raw).decode()}
    return {"value": answer}


def question_key(name: str, args: dict[str, Any]) -> str:
    """The same text for a question as `questionKey` in `static/page.js` makes."""
    return f"{name} {json.dumps([[k, _as_page(args[k])] for k in sorted(args)], ensure_ascii=False, separators=(',', ':'))}"


def _as_page(value: Any) -> Any:
    """The value with 2.0 as 2: a page has one kind of number and writes it so."""
    if isinstance(value, dict):
        return {key: _as_page(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_page(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


_NOT_OF_THE_PAGE = ("layout", "tabbable", "tooltip", "_dom_classes", "_esm", "_css", "_anywidget_id")


def state_of(widget: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A widget's synced state: what JSON can hold, and its bytes in base64."""
    state = {
        name: value
        for name, value in widget.get_state().items()
        if name not in _NOT_OF_THE_PAGE and not name.startswith(("_model_", "_view_"))
    }
    raw = {name: bytes(value) for name, value in state.items() if isinstance(value, (bytes, bytearray, memoryview))}
    plain = {name: value for name, value in state.items() if name not in raw}
    return plain, {name: base64.b64encode(value).decode() for name, value in raw.items()}
