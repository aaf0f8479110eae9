"""Every view of models whose layers differ shows what exists, and says of the rest that it does not."""

import json

import numpy as np
import pytest
from close import rounding
from mixed_layers import ALL, ONE_STREAM, gpt_of, heads_of, trace_of
from played_views import play, play_all
from shown import HALF_A_GREY

import gptviz
from gptviz import bertviz_views
from gptviz.errors import NotAvailable

every = pytest.mark.parametrize("name", ALL)
one_of_each_kind = pytest.mark.parametrize("name", ["lfm2", "4-2-4", "gemma3n"])


@one_of_each_kind
def test_every_view_shows_a_trace(name, tmp_path):
    trace = gpt_of(name).trace("the owl")
    tables = set() if name in ONE_STREAM[4:] else {"BlockView.to_table"}  # no shares of a logit without one stream
    tables |= set() if name in ONE_STREAM else {"EmbeddingView.to_table"}
    assert play_all(trace) == tables
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    assert play_all(opened) <= tables | {"InterventionView"}


@one_of_each_kind
def test_the_explorer_and_views_of_text_work(name):
    gpt = gpt_of(name)
    explorer = gptviz.explore("the owl", gpt=gpt)
    numbers = explorer._about["attention"]
    assert numbers["heads_in"] == heads_of(name) and (numbers["stream"] is None) == (name not in ONE_STREAM)
    assert heads_of(name)[numbers["layer"]] > numbers["head"]
    for view in explorer.family():
        play(view)
    completion = gpt.complete("the owl", max_tokens=3, seed=1)
    timeline = gptviz.GenerationTimeline(completion, gpt=gpt)
    rows = [answer for (question, _), answer in play(timeline).items() if question == "attention"]
    assert len(rows) == len(completion.choices[0].steps) * sum(heads_of(name)) and all(
        isinstance(row, np.ndarray) for row in rows
    )
    play(gptviz.compare(gpt.trace("the owl"), gpt.trace("an owl")))


@every
def test_the_grid_of_heads_marks_what_does_not_exist(name):
    trace, counts = trace_of(name), heads_of(name)
    view = gptviz.AttentionView(trace)
    assert view._about["heads_in"] == counts and view._about["heads"] == max(counts)
    assert view._about["absent"] == [layer for layer, count in enumerate(counts) if not count]
    assert counts[view.layer] > view.head
    pictures = np.frombuffer(view._thumbnails, np.uint8).reshape(3, max(counts), 11, 11)
    for layer, count in enumerate(counts):
        assert not pictures[layer, count:].any()
        if count:
            np.testing.assert_allclose(pictures[layer, :count] / 255, trace.attention(layer), rtol=0, atol=HALF_A_GREY)
    scores = view._answer_roles()["same"]
    assert [score is None for score in scores] == np.isnan(trace.role_scores()["same"]).ravel().tolist()


@every
def test_the_squares_of_interventions_are_nan_where_there_is_no_part(name):
    trace, counts = trace_of(name), heads_of(name)
    view = gptviz.InterventionView(trace, watch=11)
    sweep = view._answer_sweep(11)
    assert sweep.shape == (3, max(counts) + 1)
    for layer, count in enumerate(counts):
        assert np.isfinite(sweep[layer, :count]).all() and np.isnan(sweep[layer, count:-1]).all()
    layer = int(np.argmax(counts))
    alone = trace.gpt.trace([token.id for token in trace.tokens], edits=[gptviz.ablate_head(layer, counts[layer] - 1)])
    expected = alone.probabilities()[11] - trace.probabilities()[11]
    assert sweep[layer, counts[layer] - 1] == pytest.approx(expected, abs=rounding(1.0, trace.logits))


def test_an_edit_of_a_head_that_the_next_model_lacks_is_dropped():
    edits = [gptviz.ablate_head(1, 3), gptviz.ablate_head(1, 1), gptviz.ablate_head(0, 0)]
    view = gptviz.InterventionView(trace_of("2-4-2"), edits=edits)
    view.trace = trace_of("4-2-4")
    assert view.edits == tuple(edits[1:])
    view.trace = trace_of("lfm2")
    assert view.edits == (edits[1],)


def test_a_layer_with_fewer_heads_opens_its_last():
    view = gptviz.AttentionView(trace_of("4-2-4"), layer=0, head=3)
    view.layer = 1
    assert view.head == 1 and len(view.to_table()) == 66
    with pytest.raises(IndexError, match="There are 2 heads in layer 1"):
        view.head = 3


@every
def test_bertviz_leaves_out_layers_without_attention(name):
    trace, kept = trace_of(name), [layer for layer, count in enumerate(heads_of(name)) if count]
    for view in (bertviz_views.head_view, bertviz_views.model_view):
        page = view(trace).data
        assert json.dumps(kept) in page.replace("&quot;", '"')
        if len(kept) < 3:
            with pytest.raises(NotAvailable, match="a layer with attention"):
                view(trace, layers=[0, 1, 2])
    if name == "widths":
        with pytest.raises(NotAvailable, match="heads of \\[6, 10, 4\\] numbers"):
            bertviz_views.neuron_view(trace)
        assert bertviz_views.neuron_view(trace, layers=[2]).data
    elif name != "gemma3n":  # which does not scale its scores by the root of the width
        assert bertviz_views.neuron_view(trace).data
