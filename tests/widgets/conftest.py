"""The model of the views' tests: a small random GPT-2 whose heads matter."""

import pytest
from families import tokenizer
from small_models import strong_gpt2

import gptviz


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(strong_gpt2(n_positions=200), tokenizer())
