"""Messages from the page are validated before they are applied; an invalid one changes nothing and is answered."""

import json
import re

import pytest
from families import tokenizer
from ipykernel.comm.comm import BaseComm
from small_models import strong_gpt2

import gptviz
from gptviz.errors import GPTVizError, OutOfRange, WrongType
from gptviz.widgets.shared.selection import Selection


def receive(widget, data):
    """Hands a widget a message as the widgets' protocol does; returns what it sends to the page."""
    replies = []
    widget.send = lambda content, buffers=None: replies.append(content)
    widget._handle_msg({"content": {"data": data}, "buffers": []})
    return replies


@pytest.mark.parametrize(
    "state, words",
    [
        ({"layer": 999}, "a layer from 0 to 1"),
        ({"head": 3}, "a head from 0 to 2"),
        ({"query": -7}, "a query from 0 to"),
        ({"key": 2**70}, "a key from 0 to"),
        ({"layer": "x"}, r"an int as layer. Got 'x'\. Reload"),
        ({"layer": 1, "head": None}, "an int as head"),
        ({"layer": [1, 2]}, "an int as layer"),
        ("layer", "an update or a question"),
        ([1], "an update or a question"),
        (None, "an update or a question"),
    ],
    ids=str,
)
def test_an_invalid_selection_is_refused_as_a_whole(gpt, state, words):
    view = gptviz.AttentionView(gpt.trace("the thin owl"), layer=0, head=1)
    before = view.selection.get_state()
    (reply,) = receive(view.selection, {"method": "update", "state": state})
    assert reply["kind"] == "refused"
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(reply["error"])
    assert reply["error"].count("Expected") == 1 and "trait" not in reply["error"]
    assert reply["code"] in ("out_of_range", "value", "message") and json.dumps(reply["facts"])
    assert view.selection.get_state() == before
    assert view.still()
    assert receive(view.selection, {"method": "update", "state": {"layer": 1, "query": 2}}) == []
    assert (view.layer, view.selection.query) == (1, 2)


@pytest.mark.parametrize(
    "data",
    [
        {"method": "update", "state": {"temperature": -1}},
        {"method": "update", "state": {"temperature": 0.5, "top_k": 0}},
        {"method": "update", "state": {"temperature": 0.5, "rows": 65}},
        {"method": "update", "state": {"seed": "now"}},
        {"method": "update", "state": 7},
        {"method": "shutdown"},
        {},
        "text",
        None,
    ],
    ids=str,
)
def test_invalid_settings_are_refused_and_the_bench_keeps_its_own(gpt, data):
    bench = gptviz.SamplingBench(gpt.trace("the owl"), temperature=0.7, top_k=3)
    (reply,) = receive(bench, data)
    assert reply["kind"] == "refused" and reply["error"].startswith("Expected")
    assert (bench.temperature, bench.top_k, bench.rows, bench.seed) == (0.7, 3, 16, 0)
    assert receive(bench, {"method": "update", "state": {"temperature": 0.5}}) == []
    assert bench.temperature == 0.5


def test_the_page_gets_the_value_that_still_holds(gpt):
    bench = gptviz.SamplingBench(gpt.trace("the owl"), temperature=0.7)
    sent = []
    bench.send_state = lambda key=None: sent.append(key)
    receive(bench, {"method": "update", "state": {"temperature": -1}})
    assert sent == [["temperature"]]


def test_a_shared_selection_allows_what_its_views_have(gpt):
    deep = gptviz.wrap(strong_gpt2(n_layer=5), tokenizer())
    box = gptviz.PromptBox("the owl", gpt=deep)
    view = gptviz.AttentionView(box, layer=4)
    box.use(gpt)
    assert view.layer == 1
    with pytest.raises(OutOfRange, match="from 0 to 1"):
        view.selection.layer = 4
    other = gptviz.AttentionView(deep.trace("the owl"), selection=view.selection)
    other.layer = 4
    assert view.layer == 1, "it shows the last that it has"
    assert view.still() and other.still()


def test_an_unknown_keyword_is_refused_in_the_name_of_its_view(gpt):
    for kind in (gptviz.TokensView, gptviz.AttentionView, gptviz.SamplingBench):
        with pytest.raises(WrongType, match=r"keywords of \w+ among .*scale.*Did you mean scale") as caught:
            kind(gpt.trace("a"), scael="projector")
        assert kind.__name__ in str(caught.value)
    with pytest.raises(WrongType, match=r"keywords of Explorer .*Did you mean scale"):
        gptviz.explore("a", gpt=gpt, scael="projector")
    with pytest.raises(WrongType, match=r"keywords of Comparison .*Did you mean scale"):
        gptviz.compare(gpt.trace("a"), gpt.trace("b"), scael="projector")
    with pytest.raises(WrongType, match="documentation of Explorer"):
        gptviz.explore("a", gpt=gpt, scale="huge")
    with pytest.raises(GPTVizError, match="from 1 to 64 as rows"):
        gptviz.SamplingBench(gpt.trace("a"), rows=0)


@pytest.mark.parametrize(
    "state", [{"_about": {}}, {"_source": -1}, {"_selection": "zz"}, {"layer": 1, "_logits": ""}], ids=str
)
def test_a_page_cannot_change_what_the_kernel_sets(gpt, state):
    view = gptviz.SamplingBench(gpt.trace("the thin owl"))
    (name,) = (name for name in state if name.startswith("_"))
    before, restored = getattr(view, name), []
    view.send_state = lambda key=None: restored.append(key)
    (reply,) = receive(view, {"method": "update", "state": state})
    if name == "_logits":
        assert "as _logits" in reply["error"]
    else:
        assert reply["code"] == "kernels_own" and reply["facts"] == {"name": name}
        assert reply["error"].startswith(f"Expected a change that a page makes. Got another {name}")
    assert getattr(view, name) == before and restored == [[name]]
    assert receive(view, {"method": "update", "state": {name: before, "temperature": 0.25}}) == [], (
        "an echo is no change"
    )
    assert view.temperature == 0.25


def test_a_page_can_change_what_its_view_lists(gpt):
    view = gptviz.InterventionView(gpt.trace("the thin owl"))
    assert receive(view, {"method": "update", "state": {"_watched": 12}}) == []
    assert view._watched == 12
    (reply,) = receive(view, {"method": "update", "state": {"_about": {}}})
    assert reply["code"] == "kernels_own"


@pytest.mark.parametrize(
    "question, code, words",
    [
        ({"name": [], "args": {}}, "message", r"^Expected a question among token"),
        ({"name": {}, "args": {}}, "message", r"^Expected a question among token"),
        (
            {"name": "run", "args": {"prompt": None}},
            "arguments",
            r"^Expected the arguments of run\. Got others: None as",
        ),
        ({"name": "run", "args": {"text": "a"}}, "arguments", r"^Expected the arguments of run\. Got others: .*'text'"),
    ],
    ids=str,
)
def test_a_malformed_question_is_refused_with_one_message(gpt, question, code, words):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    (reply,) = receive(box, {"method": "custom", "content": {"kind": "ask", "id": 3, **question}})
    assert reply["id"] == 3 and reply["code"] == code
    assert re.search(words, reply["error"]) and reply["error"].count("Expected") == 1


def test_a_message_of_the_page_goes_to_the_thread_that_the_page_chose(monkeypatch):
    """After a cell has sent something to the page, as at its creation, ipykernel would send it to the thread of cells."""
    comm = BaseComm()
    assert comm._reply_subshell_for({}, "of the page") == "of the page"
    comm._reply_subshell_id = None  # as ipykernel notes the thread of cells
    assert comm._reply_subshell_for({}, "of the page") is None
    monkeypatch.setattr("ipywidgets.widgets.widget.comm.create_comm", lambda **_: comm)
    assert Selection().comm is comm
    assert comm._reply_subshell_for({}, "of the page") == "of the page"
