"""What the page may not say is refused in the page, in words, and changes nothing: one value, several, or no sense at all."""

import json
import re

import pytest
from families import tokenizer
from small_models import strong_gpt2

import gptviz
from gptviz.errors import GPTVizError, OutOfRange, WrongType


def hears(widget, data):
    """The message as the widgets' protocol brings it; what the page is told."""
    said = []
    widget.send = lambda content, buffers=None: said.append(content)
    widget._handle_msg({"content": {"data": data}, "buffers": []})
    return said


@pytest.mark.parametrize(
    "state, words",
    [
        ({"layer": 999}, "a layer from 0 to 1"),
        ({"head": 3}, "a head from 0 to 2"),
        ({"query": -7}, "a query from -1 to"),
        ({"key": 2**70}, "a key from -1 to"),
        ({"layer": "x"}, r"an int as layer. Got 'x'\. Reload"),
        ({"layer": 1, "head": None}, "an int as head"),
        ({"layer": [1, 2]}, "an int as layer"),
        ("layer", "an update or a question"),
        ([1], "an update or a question"),
        (None, "an update or a question"),
    ],
    ids=str,
)
def test_a_selection_that_no_view_has_is_refused_whole(gpt, state, words):
    view = gptviz.AttentionView(gpt.trace("the thin owl"), layer=0, head=1)
    before = view.selection.get_state()
    (said,) = hears(view.selection, {"method": "update", "state": state})
    assert said["kind"] == "refused"
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(said["error"])
    assert said["error"].count("Expected") == 1 and "trait" not in said["error"]
    assert said["code"] in ("out_of_range", "value", "message") and json.dumps(said["facts"])
    assert view.selection.get_state() == before
    assert view.still()
    assert hears(view.selection, {"method": "update", "state": {"layer": 1, "query": 2}}) == []
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
def test_the_bench_refuses_in_sight_and_keeps_its_settings(gpt, data):
    bench = gptviz.SamplingBench(gpt.trace("the owl"), temperature=0.7, top_k=3)
    (said,) = hears(bench, data)
    assert said["kind"] == "refused" and said["error"].startswith("Expected")
    assert (bench.temperature, bench.top_k, bench.rows, bench.seed) == (0.7, 3, 16, 0)
    assert hears(bench, {"method": "update", "state": {"temperature": 0.5}}) == []
    assert bench.temperature == 0.5


def test_the_page_is_told_what_still_holds(gpt):
    bench = gptviz.SamplingBench(gpt.trace("the owl"), temperature=0.7)
    sent = []
    bench.send_state = lambda key=None: sent.append(key)
    hears(bench, {"method": "update", "state": {"temperature": -1}})
    assert sent == [["temperature"]]


def test_what_can_be_selected_is_what_the_views_that_share_it_have(gpt):
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


def test_a_keyword_is_refused_in_the_name_of_the_view_that_was_asked_for(gpt):
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
def test_what_only_the_kernel_sets_is_refused_in_sight(gpt, state):
    view = gptviz.SamplingBench(gpt.trace("the thin owl"))
    (name,) = (name for name in state if name.startswith("_"))
    before, restored = getattr(view, name), []
    view.send_state = lambda key=None: restored.append(key)
    (said,) = hears(view, {"method": "update", "state": state})
    if name == "_logits":
        assert "as _logits" in said["error"]
    else:
        assert said["code"] == "kernels_own" and said["facts"] == {"name": name}
        assert said["error"].startswith(f"Expected a change that a page makes. Got another {name}")
    assert getattr(view, name) == before and restored == [[name]]
    assert hears(view, {"method": "update", "state": {name: before, "temperature": 0.25}}) == [], (
        "an echo says nothing new"
    )
    assert view.temperature == 0.25


def test_each_page_side_may_write_what_its_view_lists(gpt):
    view = gptviz.InterventionView(gpt.trace("the thin owl"))
    assert hears(view, {"method": "update", "state": {"_watched": 12}}) == []
    assert view._watched == 12
    (said,) = hears(view, {"method": "update", "state": {"_about": {}}})
    assert said["code"] == "kernels_own"


@pytest.mark.parametrize(
    "question, code, words",
    [
        ({"name": [], "args": {}}, "message", r"^Expected a question among token"),
        ({"name": {}, "args": {}}, "message", r"^Expected a question among token"),
        ({"name": "run", "args": {"prompt": None}}, "", r"^Expected [^.]+\. Got NoneType\. Give a str[^.]*\.$"),
        ({"name": "run", "args": {"text": "a"}}, "arguments", r"^Expected the arguments of run\. Got others: .*'text'"),
    ],
    ids=str,
)
def test_a_question_is_refused_in_one_sentence_of_its_own(gpt, question, code, words):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    (said,) = hears(box, {"method": "custom", "content": {"kind": "ask", "id": 3, **question}})
    assert said["id"] == 3 and said["code"] == code
    assert re.search(words, said["error"]) and said["error"].count("Expected") == 1
