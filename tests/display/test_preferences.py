"""The language and the scale that views are shown in."""

import pytest
from families import tokenizer
from small_models import strong_gpt2

import gptviz
from gptviz.errors import GPTVizError


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(strong_gpt2(), tokenizer())


@pytest.fixture
def english():
    yield
    gptviz.set_language("en")


def test_both_languages_are_sent_to_the_page_and_others_refused(gpt, english):
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


def test_the_scale_of_later_views_can_be_set(gpt):
    trace, before = gpt.trace("the owl"), gptviz.TokensView(gpt.trace("the owl"))
    try:
        gptviz.set_scale("projector")
        assert gptviz.TokensView(trace).get_state()["scale"] == "projector"
        assert gptviz.TokensView(trace, scale="screen").scale == before.scale == "screen"
        with pytest.raises(GPTVizError, match="screen, projector"):
            gptviz.set_scale("wall")
    finally:
        gptviz.set_scale("screen")
