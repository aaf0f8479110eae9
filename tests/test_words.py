"""Words on screen stand in one catalogue, in every language; the selection and the language reach the page."""

import re

import pytest
import torch
from families import tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.errors import GPTVizError
from gptviz.widgets.base import STATIC


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(2)
    return gptviz.wrap(GPT2LMHeadModel(GPT2Config(vocab_size=907, n_embd=12, n_layer=2, n_head=3)).eval(), tokenizer())


@pytest.fixture
def english():
    yield
    gptviz.set_language("en")


CODE = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
READ = re.compile(r"[A-Z][a-z]+( [a-z]+)*[.…]?|[a-z]+( [a-z]+)+[.…]?")  # a sentence's beginning, or several words
NOT_READ = re.compile(
    r'(class: |key === |on\(|off\()"[^"]*"|"(Home|End)"|(Home|End):'
)  # what a browser reads, not a person


def words_in(source):
    """Literals of a module that a person would read."""
    source = NOT_READ.sub("", CODE.sub("", source))
    return [text for text in LITERAL.findall(source) if READ.fullmatch(text)]


def test_no_view_has_words_of_its_own():
    for path in STATIC.glob("*.js"):
        if path.name != "words.js":
            assert not words_in(path.read_text(encoding="utf-8")), f"{path.name}: into words.js"


def test_a_word_in_a_view_would_be_found():
    assert words_in('element("p", { class: "muted small" }, "Run it again")') == ["Run it again"]
    assert words_in('element("h3", {}, "Tokens")') == ["Tokens"]
    assert words_in('setText(node, "not yet")') == ["not yet"]


def test_both_languages_reach_the_page_and_a_third_is_refused(gpt, english):
    trace = gpt.trace("the owl")
    assert gptviz.TokensView(trace).language == "en"
    gptviz.set_language("zh")
    assert gptviz.TokensView(trace).get_state()["language"] == "zh"
    assert gptviz.TokensView(trace, language="en").language == "en"
    with pytest.raises(GPTVizError, match="en, zh"):
        gptviz.set_language("tlh")


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
