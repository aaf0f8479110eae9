"""How an exported page stores widgets and answers: as JSON, with bytes in base64."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from gptviz.errors import GPTVizError, error_for_page
from gptviz.pages.answering import PageWidget
from gptviz.pages.javascript import javascript_json
from gptviz.pages.wire import json_ready, pack

Entry = tuple[str, dict[str, Any], int]  # a question's key, its answer as the page stores it, their size in bytes


def entries(widget: PageWidget) -> Iterator[Entry]:
    """Yields the widget's answers as the page stores them, the most useful first."""
    for name, args, answer in () if widget._is_unfilled else widget.answers_for_a_page():
        key, stored = question_key(name, args), stored_answer(answer)
        if widget._sealed:
            stored = {"sealed": base64.b64encode(json.dumps(stored, allow_nan=False).encode()).decode()}
        yield key, stored, len(page_json({key: stored}).encode()) + 1


def reference(widget: PageWidget) -> str:
    """Returns the name by which pages find a widget."""
    return f"anywidget:{widget.model_id}"


def page_json(value: Any) -> str:
    """Returns JSON that can stand within a script element and in UTF-8, whatever texts are in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def stored_answer(answer: Any) -> dict[str, Any]:
    """Returns an answer as the page stores it; a GPTVizError becomes the refusal that the page shows."""
    if isinstance(answer, GPTVizError):
        return error_for_page(answer)
    if isinstance(answer, np.ndarray):
        header, raw = pack(answer)
        return {"array": header, "buffer": base64.b64encode(raw).decode()}
    return {"value": json_ready(answer)}


def question_key(name: str, args: dict[str, Any]) -> str:
    """Returns the text under which the page stores a question's answer; `questionKey` in `page.js` makes the same."""
    return f"{name} {javascript_json([[key, args[key]] for key in sorted(args)])}"


_NOT_FOR_THE_PAGE = ("layout", "tabbable", "tooltip", "_dom_classes", "_esm", "_css", "_anywidget_id")


def state_of(widget: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns a widget's synchronised state: the values that JSON can hold, and its bytes in base64."""
    state = {
        name: value
        for name, value in widget.get_state().items()
        if name not in _NOT_FOR_THE_PAGE and not name.startswith(("_model_", "_view_"))
    }
    raw = {name: bytes(value) for name, value in state.items() if isinstance(value, (bytes, bytearray, memoryview))}
    plain = {name: value for name, value in state.items() if name not in raw}
    return plain, {name: base64.b64encode(value).decode() for name, value in raw.items()}
