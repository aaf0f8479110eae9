"""Where views of attention open: a chosen layer or head wins, and the head is chosen once for each selection."""

import pytest
from families import IDS, TEXT
from mixed_layers import trace_of

import gptviz
from gptviz.lens.opening import opening_head
from gptviz.widgets.selection import Selection

OTHER = "the thin owl and the king"


def opened_at(view):
    return view.layer, view.head


@pytest.fixture(scope="module")
def trace(gpt):
    return gpt.trace(TEXT)


@pytest.fixture(scope="module")
def first(trace):
    """The head at which a view of TEXT opens: not head 0 of layer 0, or the tests could not fail."""
    opening = opening_head(trace)
    assert (opening.layer, opening.head) != (0, 0)
    return opening.layer, opening.head


def test_a_view_opens_at_the_head_and_tells_the_page_why(trace, first):
    view = gptviz.AttentionView(trace)
    assert opened_at(view) == first
    told = view._about["opening"]
    assert (told["layer"], told["head"]) == first
    assert told["weight"] == float(trace.attention(*first)[-1, told["key"]])


def test_a_view_of_edits_opens_at_the_same_head_and_tells_the_page_why(trace, first):
    view = gptviz.InterventionView(trace, edits=[gptviz.ablate_head(*first)])
    assert (view.selection.layer, view.selection.head) == first
    assert view._about["opening"] == gptviz.AttentionView(trace)._about["opening"]
    chosen = gptviz.InterventionView(trace, selection=Selection(layer=0))
    assert (chosen.selection.layer, chosen.selection.head) == (0, 0)
    assert chosen._about["opening"] is None


@pytest.mark.parametrize(
    "keywords",
    [
        {"layer": 0, "head": 0},
        {"head": 0},
        {"selection": lambda: Selection(layer=0)},
        {"selection": lambda: Selection(head=0)},
    ],
    ids=["layer and head", "head", "selection's layer", "selection's head"],
)
def test_a_head_that_was_chosen_wins_also_head_0(trace, keywords):
    keywords = {name: value() if callable(value) else value for name, value in keywords.items()}
    view = gptviz.AttentionView(trace, **keywords)
    assert opened_at(view) == (0, 0)
    assert view._about["opening"] is None


def test_a_layer_alone_opens_at_the_head_of_that_layer(trace):
    for layer in range(trace.n_layers):
        view, expected = gptviz.AttentionView(trace, layer=layer), opening_head(trace, [layer])
        assert opened_at(view) == (layer, expected.head)
        assert view._about["opening"]["of_all"] is False


def test_a_layer_that_another_view_has_chosen_wins(gpt):
    for layer in range(gpt.n_layers):
        box = gptviz.PromptBox(TEXT, gpt=gpt)
        gptviz.BlockView(box, layer=layer)
        assert opened_at(gptviz.AttentionView(box)) == (layer, 0)


def test_a_view_that_chooses_nothing_leaves_the_choice_to_the_next(gpt, first):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    for kind in (gptviz.TokensView, gptviz.EmbeddingView, gptviz.BlockView, gptviz.InterventionView):
        kind(box)
    assert opened_at(gptviz.AttentionView(box)) == first


def test_the_head_of_a_box_is_chosen_once_and_not_for_each_prompt(gpt, first):
    assert (opening_head(gpt.trace(OTHER)).layer, opening_head(gpt.trace(OTHER)).head) != first
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    view = gptviz.AttentionView(box)
    box.run(OTHER)
    later = gptviz.AttentionView(box)
    assert opened_at(view) == opened_at(later) == first
    assert view._about["opening"] is later._about["opening"] is None, "it was chosen for another text"


def test_a_choice_in_the_page_wins_over_the_next_views(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    view = gptviz.AttentionView(box)
    box.selection.set_state({"layer": 0, "head": 0})
    assert opened_at(view) == opened_at(gptviz.AttentionView(box)) == (0, 0)


def test_views_of_one_text_that_share_a_selection_both_say_why(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    views = [gptviz.AttentionView(box), gptviz.AttentionView(box)]
    assert views[0]._about["opening"] == views[1]._about["opening"] is not None


def test_a_layer_without_maps_is_not_opened_by_itself():
    trace = trace_of("lfm2")  # of its three layers only layer 1 has attention
    assert gptviz.AttentionView(trace).layer == 1
    assert opened_at(gptviz.AttentionView(trace.gpt.trace(IDS[:1]))) == (1, 0)
    assert gptviz.AttentionView(trace, layer=0).layer == 0, "it was asked for"


def test_a_text_with_no_other_token_says_nothing(gpt):
    assert gptviz.AttentionView(gpt.trace([7, 9]))._about["opening"] is None


def test_the_explorers_sentence_names_the_head_that_opens(gpt, first):
    explorer = gptviz.explore(TEXT, gpt=gpt)
    told = explorer._about["attention"]
    assert opened_at(explorer._stations["attention"]) == (told["layer"], told["head"]) == first


def test_bertviz_shows_the_same_head_first(trace, first):
    layer, head = first
    neuron = gptviz.bertviz_views.neuron_view(trace).data.replace("&quot;", '"')
    assert f'"layer": {layer}, "head": {head}' in neuron
    chosen = gptviz.bertviz_views.neuron_view(trace, layer=0).data.replace("&quot;", '"')
    assert f'"layer": 0, "head": {opening_head(trace, [0]).head}' in chosen
