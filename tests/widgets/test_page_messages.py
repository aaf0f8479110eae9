"""Whatever a page sends, the answer is an error in words: no traceback, no error of Python's own."""

import json
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from open_views import open_views
from properties import ANY_MACHINE
from view_classes import view_classes

import gptviz
from gptviz.errors import GPTVizError
from gptviz.pages.arguments import wrong_argument
from gptviz.pages.wire import DTYPES, pack, unpack

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 300) | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["\ud83d", "light", "raw", "ablate_head"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@pytest.fixture(scope="module")
def views():
    views = open_views()
    assert views.keys() == view_classes().keys()
    return views


def is_sendable(reply):
    return json.dumps(reply, allow_nan=False, ensure_ascii=False).encode()


NOT_ASKED = {
    "run",
    "use",
    "again",
    "force",
    "source",
    "append",
    "map",
    "written",
    "fork",
    "steer",
}  # they change the view, or are slow


@ANY_MACHINE
@given(name=st.sampled_from(sorted(view_classes())), data=st.data())
def test_no_question_ends_in_an_error_of_pythons_own(views, name, data):
    view, replies = views[name], []
    question = data.draw(
        st.sampled_from(sorted(set(view._answers) - NOT_ASKED)) if view._answers else st.text(max_size=3)
    )
    known = ["layer", "head", "position", "query", "key", "stage", "id", "step", "choice", "edits", "watched", "value"]
    args = data.draw(st.dictionaries(st.sampled_from(known) | st.text(max_size=3), json_values, max_size=4))
    view.send = lambda content, buffers=None: replies.append(content)
    view._on_message(view, {"kind": "ask", "id": 3, "name": question, "args": args}, [])
    (reply,) = replies
    assert is_sendable(reply)
    assert "Error: " not in reply.get("error", ""), reply


@ANY_MACHINE
@given(name=st.sampled_from(sorted(view_classes())), message=json_values)
def test_no_message_is_answered_with_a_traceback(views, name, message):
    view, replies, records = views[name], [], []
    view.send = lambda content, buffers=None: replies.append(content)
    handler = logging.Handler()
    handler.emit = records.append
    view.log.addHandler(handler)
    try:
        for data in (message, {"method": "update", "state": message}, {"method": "custom", "content": message},
                     {"method": "update", "state": {}, "buffer_paths": message},
                     {"method": "custom", "content": {"kind": "anywidget-command", "name": message}}):  # fmt: skip
            view._handle_msg({"content": {"data": data}, "buffers": []})
    finally:
        view.log.removeHandler(handler)
    assert not records
    assert all(map(is_sendable, replies))


@pytest.mark.parametrize("value", [2, -1, 1.0, True, "1", None, [0]])
def test_a_guess_that_is_no_choice_is_refused(value):
    question = gptviz.lessons.ask("Which?", answer=lambda: 1, choices=[1, 2])
    with pytest.raises(GPTVizError, match="choice"):
        question._answer_guess(value)
    ranking = gptviz.lessons.ask("Order?", answer=lambda: ["a", "b"], choices=["a", "b"], kind="ranking")
    for order in ([0, 2], [0, -1], [0, 0], [0], value):
        with pytest.raises(GPTVizError):
            ranking._answer_guess(order)
    assert ranking._answer_guess([1, 0])["phase"] == "wrong" and ranking._answer_guess([0, 1])["right"]


@pytest.mark.parametrize(
    "view, question, args, message",
    [
        ("embedding", "map", {"theme": None}, "None as theme"),
        ("embedding", "map", {"theme": "blue"}, "light, dark"),
        ("intervention", "outcome", {"edits": [{"kind": ["ablate_head"]}]}, "an edit among"),
        ("timeline", "force", {"step": 0, "id": "\ud83d"}, "as id"),
        ("timeline", "force", {"step": 0, "\ud83d": 1}, "does not take"),
        ("guesses", "shares", {"opening": 0, "words": "x" * 10_000}, "as words"),
        ("guesses", "shares", {"opening": 0, "words": ["x"] * 101}, "at most 100 words"),
        ("guesses", "shares", {"opening": 0, "words": ["x" * 10_000]}, "at most 60 characters"),
        ("training", "show", {"run": 0, "step": 9}, "The nearest that were kept: 5"),
        ("training", "show", {"run": 2, "step": 0}, "a run from"),
        ("training", "news", {"have": [-1]}, "a point of at least 0"),
        ("training", "steer", {"action": "erase"}, "an action among pause, resume, stop"),
        ("block", "path", {"layer": 0}, "none as position"),
        ("block", "path", {"layer": 0, "position": 0.5}, "0.5 as position"),
        ("block", "shares", {"layer": 0, "position": 0, "id": 10**9}, "token id"),
    ],
)  # fmt: skip
def test_an_invalid_argument_is_named(views, view, question, args, message):
    replies = []
    views[view].send = lambda content, buffers=None: replies.append(content)
    views[view]._on_message(views[view], {"kind": "ask", "id": 3, "name": question, "args": args}, [])
    assert message in replies[0]["error"], replies
    assert is_sendable(replies[0])


def test_arguments_are_checked_against_the_annotations():
    class Answers:
        def some(self, a: int, b: float, c: str | None, d: list[dict], e: bool = True):
            raise AssertionError

    right = {"a": 1, "b": 2, "c": None, "d": [{}]}
    assert wrong_argument(Answers().some, right) is None
    assert wrong_argument(Answers().some, right | {"b": 2.5, "c": "x", "e": False}) is None
    for name, value in (("a", True), ("a", 1.0), ("a", None), ("b", "2"), ("b", True), ("c", 5), ("c", "\udc00"),
                        ("d", {}), ("d", [5]), ("e", 1)):  # fmt: skip
        assert f"as {name}" in wrong_argument(Answers().some, right | {name: value})


@ANY_MACHINE
@given(st.sampled_from(DTYPES).flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=4, min_side=0))))
def test_every_array_crosses_the_wire_unchanged(array):
    header, raw = pack(array)
    assert json.loads(json.dumps(header)) == header
    back = unpack(header, raw)
    assert back.dtype == array.dtype and back.shape == array.shape
    assert back.tobytes() == np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize("name", sorted(view_classes()))
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_answer_is_told_to_the_page_before_the_interrupt_goes_on(views, name, interrupt, monkeypatch):
    view, replies = views[name], []

    def stop(*_, **__):
        raise interrupt

    monkeypatch.setattr(view, "send", lambda content, buffers=None: replies.append(content))
    monkeypatch.setattr(view, "send_state", lambda names: replies.append(names))
    monkeypatch.setattr(view, "_answer", stop)
    monkeypatch.setattr(view, "_check_value", stop)
    with pytest.raises(interrupt):
        view._on_message(view, {"kind": "ask", "id": 3, "name": "any", "args": {}}, [])
    with pytest.raises(interrupt):
        view.set_state({"language": "zh"})
    answer, restored, refusal = replies
    assert (answer["kind"], answer["id"], answer["code"]) == ("answer", 3, "interrupted")
    assert restored == ["language"]
    assert (refusal["kind"], refusal["code"], refusal["error"]) == ("refused", "interrupted", answer["error"])
    assert is_sendable(answer)


def test_an_answer_that_cannot_be_sent_is_refused(views, monkeypatch):
    view, replies = views["tokens"], []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: replies.append(content))
    monkeypatch.setattr(view, "_answer", lambda _: np.zeros(2, complex))
    view._on_message(view, {"kind": "ask", "id": 3, "name": "any", "args": {}}, [])
    (reply,) = replies
    assert reply["id"] == 3 and reply["error"]
