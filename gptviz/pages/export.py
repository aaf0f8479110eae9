"""Writes widgets as one HTML file that needs no network, no kernel and no second file.

The file holds the page modules of the widgets, their state, and answers to the questions that they can ask, the most
useful first, as many as fit. `page.js` takes the place of the notebook. A Content-Security-Policy allows nothing else to
run.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from gptviz.display.preferences import chosen_language
from gptviz.errors import WrongType, fail
from gptviz.files import check_target, write_file
from gptviz.model.looking import looking_once
from gptviz.pages.answering import PageWidget
from gptviz.pages.document import LANGUAGE_TAGS, STYLE, document, element, module_script, policy_of, whole_text
from gptviz.pages.film import add_film
from gptviz.pages.modules import bundle
from gptviz.pages.stored import Entry, entries, page_json, reference, state_of

MOST_BYTES = 20_000_000  # of one file; the page says so if an answer did not fit
PROGRESS_AFTER = 2.0  # seconds


def save_html(path: str | os.PathLike[str], *parts: PageWidget | str, title: str = "gptviz") -> Path:
    """Writes `parts` one below the other as one page, and returns its path.

    parts: widgets, and HTML that is inserted unchanged. The folder must exist; a file of that name is replaced when the
    page is whole. In the page, a control that needs the kernel says so. Raises GPTVizError if the file cannot be written,
    ModelChanged if a model is changed meanwhile.
    """
    target = check_target(path)
    text = page(*parts, title=title)
    return write_file(target, lambda file: file.write_text(text, encoding="utf-8"))


def page(
    *parts: PageWidget | str, title: str = "gptviz", styles: Sequence[str] = (), scripts: Sequence[str] = (),
    frames: str = "",
) -> str:  # fmt: skip
    """Returns the page as text.

    styles, scripts: additional ones, which the page's policy then allows. frames: HTML of frames whose scripts and styles
    the policy allows too.
    """
    for part in parts:
        if not isinstance(part, (PageWidget, str)):
            raise fail("views and HTML text", type(part).__name__, "Give for example an AttentionView.", WrongType)
    parts = tuple(whole_text(part) if isinstance(part, str) else part for part in parts)
    title, frames = whole_text(title), whole_text(frames)
    roots = [part for part in parts if isinstance(part, PageWidget)]
    widgets = list({member.model_id: member for root in roots for member in root.page_family()}.values())
    classes = {widget._name: widget for widget in widgets}
    own_scripts = [module_script(name, str(widget._esm)) for name, widget in classes.items()]
    host = bundle(Path(__file__).with_name("page.js"))
    own_scripts.append(f"{host}\nopenPage(JSON.parse(document.getElementById('data').textContent), globalThis.gptviz);")
    all_scripts = [*own_scripts, *scripts]
    all_styles = ["\n".join([STYLE, *styles, *dict.fromkeys(str(widget._css) for widget in classes.values())])]
    body = "\n".join(map(element, parts))
    language = LANGUAGE_TAGS[roots[0].language if roots else chosen_language()]
    policy = policy_of(all_scripts, all_styles, frames)

    def with_data(data: str) -> str:
        return document(title, language, all_scripts, all_styles, body, policy, {"data": data})

    return with_data(_data(widgets, roots, MOST_BYTES - len(with_data("").encode())))


def _data(widgets: list[PageWidget], roots: list[PageWidget], most_bytes: int) -> str:
    """Returns the page's data as JSON of at most `most_bytes`: the states of widgets and of what they share, and answers."""
    stored: dict[str, dict[str, Any]] = {}
    for widget in widgets:
        state, buffers = state_of(widget)
        stored[reference(widget)] = {"module": widget._name, "state": state, "buffers": buffers, "answers": {}}
    data = {
        "root": [reference(widget) for widget in roots],
        "widgets": stored,
        "shared": {model.reference: state_of(model)[0] for widget in widgets for model in widget.shared_models()},
    }
    bytes_left = most_bytes - len(page_json(data).encode())
    with (
        (block := looking_once()),
        block as looks,
        tqdm(unit=" answers", leave=False, delay=PROGRESS_AFTER) as bar,
    ):
        bytes_left -= add_film(stored, widgets, bytes_left // 2, bar)
        _add_answers(stored, widgets, bytes_left, bar)
    looks.check()
    return page_json(data)


def _add_answers(stored: dict[str, dict[str, Any]], widgets: list[PageWidget], bytes_left: int, bar: Any) -> None:
    """Adds answers in rounds, as many as fit.

    In each round every widget may use an equal share of the bytes that are left. Widgets with more answers than fit go
    on to the next round, until no further answer fits.
    """
    waiting: list[tuple[PageWidget, Iterator[Entry]]] = [(widget, entries(widget)) for widget in widgets]
    added = 1
    while waiting and added:
        added, share = 0, bytes_left // len(waiting)
        current, waiting = waiting, []
        for widget, remaining in current:
            bar.set_description_str(type(widget).__name__)
            answers, share_left = stored[reference(widget)]["answers"], share
            for key, answer, size in remaining:
                if size > share_left:
                    waiting.append((widget, chain([(key, answer, size)], remaining)))
                    break
                answers[key] = answer
                share_left, bytes_left, added = share_left - size, bytes_left - size, added + 1
                bar.update(1)
