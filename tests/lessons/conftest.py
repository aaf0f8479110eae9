"""A small model, and a prompt box with it."""

import pytest
from families import tokenizer
from small_models import strong_gpt2

import gptviz


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(strong_gpt2(vocab_size=264), tokenizer())


@pytest.fixture
def box(gpt):
    return gptviz.PromptBox("the thin owl", gpt=gpt)
