"""The probability of a whole word equals the product from the model's own logits, however many tokens the word has."""

import numpy as np
import pytest
import torch
from close import rounding
from families import tokenizer
from small_models import strong_gpt2

import gptviz
from gptviz import lens
from gptviz.errors import OutOfRange, WrongType
from gptviz.lens.words import word_after


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(strong_gpt2(vocab_size=264), tokenizer())


@pytest.mark.parametrize(
    ("prompt", "word", "text"),
    [
        ("the thin", "owl", "the thin owl"),
        ("the thin ", "owl", "the thin owl"),
        ("the thin", " owl", "the thin owl"),
        ("a tin", "in the inn", "a tin in the inn"),
    ],
)
def test_a_word_has_the_product_over_its_tokens(gpt, prompt, word, text):
    ids, start = gpt.encode(text), len(gpt.encode(prompt))
    assert len(ids) > start + 1
    with torch.no_grad():
        logits = gpt.model(torch.tensor([ids])).logits[0].double()
    chosen = logits.log_softmax(-1)[range(start - 1, len(ids) - 1), ids[start:]]
    allowed = (len(ids) - start) * rounding(logits.numpy())
    assert lens.word_probability(gpt, prompt, word) == pytest.approx(float(chosen.sum().exp()), rel=allowed)
    read = word_after(gpt, prompt, word)
    assert [token.id for token in read.tokens] == ids[start:]
    np.testing.assert_allclose(read.probabilities, chosen.exp().numpy(), rtol=allowed)


def test_what_is_no_word_after_the_text_is_refused(gpt):
    for prompt, word in (("", "owl"), ("the", " "), (7, "owl"), ("the", None)):
        with pytest.raises(WrongType, match="as text"):
            lens.word_probability(gpt, prompt, word)


def test_a_word_that_changes_the_tokens_before_it_is_refused(gpt, monkeypatch):
    """As with a tokenizer that joins a space with what stands before it."""
    monkeypatch.setattr(gpt, "encode", lambda text: [0, 1, 2])
    with pytest.raises(OutOfRange, match="can come next"):
        lens.word_probability(gpt, "the thin", "owl")
