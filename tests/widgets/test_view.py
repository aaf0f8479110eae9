"""What every view refuses: unknown keywords, sources that are not a trace, malformed messages."""

import pytest
from families import TEXT
from page_messages import ask

import gptviz
from gptviz.errors import WrongType


def test_unknown_keywords_are_refused_with_the_nearest_name(gpt):
    with pytest.raises(WrongType, match="Did you mean layer"):
        gptviz.AttentionView(gpt.trace(TEXT), layr=1)
    with pytest.raises(WrongType, match="scale"):
        gptviz.TokensView(gpt.trace(TEXT), scale="huge")


def test_a_source_that_is_not_a_trace_is_refused():
    with pytest.raises(WrongType, match="Trace or a PromptBox"):
        gptviz.AttentionView("Once upon a time")


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        {},
        {"kind": "ask"},
        {"kind": "ask", "id": 1, "name": "_shown", "args": {}},
        {"kind": "ask", "id": 1, "name": "head", "args": {}},
        {"kind": "ask", "id": 1, "name": "head", "args": {"layer": 99, "head": 0}},
        {"kind": "ask", "id": 1, "name": "head", "args": {"layer": "0", "head": 0}},
        {"kind": "ask", "id": 1, "name": "head", "args": [0, 0]},
        {"kind": "ask", "id": "1; drop", "name": "head", "args": {"layer": 0, "head": 0}},
    ],
)
def test_a_malformed_message_is_answered_with_an_error_and_the_view_works_on(gpt, message):
    view = gptviz.AttentionView(gpt.trace(TEXT))
    replies = []
    view.send = lambda content, buffers=None: replies.append(content)
    view._on_message(view, message, [])
    (answer,) = replies
    assert answer["error"]
    size = len(view.trace.tokens)
    assert ask(view, "head", layer=1, head=2).shape == (size * (size + 1) // 2,)
