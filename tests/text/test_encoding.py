"""A text's ids while somebody else uses its tokenizer with padding and a length limit."""

import pytest
from families import tokenizer as byte_level
from transformers import PreTrainedTokenizerFast

from gptviz.text.encoding import encode
from gptviz.text.merges import merges_of
from gptviz.text.tokens import Token

TEXT = "the owl in the thin tree"


@pytest.mark.parametrize("times", [1, 2, 1000])
@pytest.mark.parametrize("limits", [{"truncation": 5}, {"padding": 40}, {"truncation": 5, "padding": 40}])
def test_limits_of_another_thread_do_not_reach_our_ids(monkeypatch, times, limits):
    tokenizer = byte_level()
    expected = tokenizer(TEXT)["input_ids"]
    prepare, calls = PreTrainedTokenizerFast.set_truncation_and_padding, []

    def prepare_and_be_overtaken(self, **settings):
        prepare(self, **settings)
        calls.append(self)
        if self is tokenizer and len(calls) <= times:
            backend = self.backend_tokenizer
            backend.enable_truncation(limits["truncation"]) if "truncation" in limits else backend.no_truncation()
            backend.enable_padding(length=limits["padding"]) if "padding" in limits else backend.no_padding()

    monkeypatch.setattr(PreTrainedTokenizerFast, "set_truncation_and_padding", prepare_and_be_overtaken)
    assert encode(tokenizer, TEXT)[0] == expected
    assert len(calls) == min(times, 3) + 1


def test_merges_are_found_after_a_padded_call():
    tokenizer = byte_level()
    tokenizer.pad_token = "</s>"
    tokens = tuple(Token(id, "", b"") for id in tokenizer(TEXT)["input_ids"])
    expected = merges_of(tokenizer, TEXT, tokens, 0)
    assert len(expected) > 1
    tokenizer(["a", "b c"], padding="max_length", truncation=True, max_length=3)
    assert merges_of(tokenizer, TEXT, tokens, 0) == expected
