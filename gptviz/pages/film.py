"""The film of an exported page: questions of one widget that change the others, with what the others are then.

A widget such as TrainingView gives others another model when its page asks for it. A page without a kernel keeps, with each
such answer, what the question changed: traits of the other widgets, and their most useful answers. `page.js` puts them in.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from gptviz.pages.answering import PageQuestion, PageWidget
from gptviz.pages.stored import entries, page_json, question_key, reference, state_of, stored_answer

MOST_ANSWERS = 48  # of each widget in a frame
LEAST_BYTES = 50_000  # that the answers of a widget may have in a frame, however many frames there are


def add_film(stored: dict[str, dict[str, Any]], widgets: Sequence[PageWidget], most_bytes: int, bar: Any) -> int:
    """Adds the frames of each widget's film, evenly spaced ones if not all fit. Returns the bytes of what was added.

    stored: what the page has of each widget; the frames become answers of the widget whose film it is.
    """
    used = 0
    for widget in widgets:
        with widget.filming() as (questions, shown):
            if shown is None or len(questions) < 2:
                continue
            bar.set_description_str(type(widget).__name__)
            others = [other for other in widgets if other is not widget]
            room = max(LEAST_BYTES, (most_bytes - used) // (len(questions) * max(1, len(others))))
            first = _frame(stored, widget, questions[0], others, room)
            count = min(len(questions), max(2, (most_bytes - used) // _size(first)))
            for question in _spaced(questions, count, shown):
                is_shown = question == shown
                is_first = question == questions[0] and not is_shown
                frame = first if is_first else _frame(stored, widget, question, [] if is_shown else others, room)
                if used + _size(frame) <= most_bytes:
                    stored[reference(widget)]["answers"] |= frame
                    used += _size(frame)
                bar.update(1)
    return used


def _spaced(questions: Sequence[PageQuestion], count: int, shown: PageQuestion) -> list[PageQuestion]:
    """Returns the one that is shown, then `count` evenly spaced questions, the first and the last among them."""
    chosen = np.linspace(0, len(questions) - 1, count).round().astype(int)
    return [shown, *(questions[i] for i in sorted(set(chosen.tolist())) if questions[i] != shown)]


def _frame(
    stored: dict[str, dict[str, Any]],
    widget: PageWidget,
    question: PageQuestion,
    others: Sequence[PageWidget],
    room: int,
) -> dict[str, Any]:
    """Asks a question and returns its answer as the page stores it, with what it changed in other widgets.

    room: bytes for the answers of each other widget. Without other widgets the frame is what the page begins with.
    """
    name, args = question
    answer = stored_answer(widget._answer({"kind": "ask", "id": 0, "name": name, "args": args}))
    changes = {reference(other): _changes(stored[reference(other)], other, room) for other in others}
    answer["frame"] = {name: change for name, change in changes.items() if change}
    return {question_key(name, args): answer}


def _changes(before: dict[str, Any], widget: PageWidget, room: int) -> dict[str, Any] | None:
    """Returns the traits that differ from what the page has of a widget, and its answers now; None if it has not changed."""
    state, buffers = state_of(widget)
    state = {name: value for name, value in state.items() if value != before["state"].get(name)}
    buffers = {name: value for name, value in buffers.items() if value != before["buffers"].get(name)}
    if not state and not buffers:
        return None
    answers = {}
    for key, answer, size in islice(entries(widget), MOST_ANSWERS):
        if size > room:
            break
        answers[key] = answer
        room -= size
    return {"state": state, "buffers": buffers, "answers": answers}


def _size(frame: dict[str, Any]) -> int:
    return len(page_json(frame).encode())
