"""The selection and the language reach the page. That no view has words of its own: tests/js/words.test.mjs."""

import pytest
import torch
from families import tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.errors import GPTVizError


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(2)
    return gptviz.wrap(GPT2LMHeadModel(GPT2Config(vocab_size=907, n_embd=12, n_layer=2, n_head=3)).eval(), tokenizer())


@pytest.fixture
def english():
    yield
    gptviz.set_language("en")


def test_both_languages_reach_the_page_and_a_third_is_refused(gpt, english):
    trace = gpt.trace("the owl")
    assert gptviz.TokensView(trace).language == "en"
    gptviz.set_language("zh")
    assert gptviz.TokensView(trace).get_state()["language"] == "zh"
    view = gptviz.TokensView(trace, language="en")
    assert view.language == "en"
    assert view.get_state()["_title"] == "Tokens"
    view.language = "zh"
    assert view.get_state()["_title"] == gptviz.TokensView(trace).get_state()["_title"] == "词元"
    with pytest.raises(GPTVizError, match="en, zh"):
        gptviz.set_language("tlh")


def test_the_scale_of_views_to_come_is_set_once_for_all(gpt):
    trace, before = gpt.trace("the owl"), gptviz.TokensView(gpt.trace("the owl"))
    try:
        gptviz.set_scale("projector")
        assert gptviz.TokensView(trace).get_state()["scale"] == "projector"
        assert gptviz.TokensView(trace, scale="screen").scale == before.scale == "screen"
        with pytest.raises(GPTVizError, match="screen, projector"):
            gptviz.set_scale("wall")
    finally:
        gptviz.set_scale("screen")


def test_views_of_one_box_share_a_selection_and_others_do_not(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    first, second = gptviz.AttentionView(box, layer=1), gptviz.AttentionView(box)
    assert first.selection is second.selection is box.selection
    assert second.layer == 1
    assert first._selection == second._selection == f"anywidget:{box.selection.model_id}"
    alone = gptviz.AttentionView(box.trace)
    assert alone.selection is not box.selection
    joined = gptviz.AttentionView(box.trace, selection=alone.selection)
    joined.head = 2
    assert alone.head == 2
    assert first.head == 0
