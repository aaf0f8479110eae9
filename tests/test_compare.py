"""Two traces side by side: what their vocabularies share is joined by what tokens stand for, never by ids."""

import pytest
import torch
from families import build, tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.errors import WrongType


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


def tiny(vocab_size):
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=vocab_size, n_embd=24, n_layer=2, n_head=3)).eval()
    return gptviz.wrap(model, tokenizer())


def by_hand(trace, text):
    """The probability of all ids whose bytes are those of the text."""
    ids = [id for id in range(trace.vocab_size) if trace.vocab_token(id).bytes == text.encode()]
    return float(trace.probabilities()[ids].sum()) if ids else None


def test_two_models_of_one_vocabulary_size_but_other_tokens_are_not_put_on_one_bench(gpt):
    other = tiny(gpt.vocab_size)
    one, two = gpt.trace("Once upon"), other.trace("the owl")
    assert one.vocab_size == two.vocab_size
    beside = gptviz.compare(one, two)
    assert len(beside._children["benches"]) == 2
    assert len(gptviz.compare(one, gpt.trace("The king"))._children["benches"]) == 1


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_rows_are_joined_by_what_a_token_stands_for(gpt, family):
    other = gptviz.wrap(build(family), tokenizer())
    one, two = gpt.trace("the owl"), other.trace("the owl")
    rows = gptviz.compare(one, two).to_table()
    assert {token.text for trace in (one, two) for token, _ in trace.top(10)} <= {row["token"] for row in rows}
    plain = [row for row in rows if row["token"].strip().isalpha()]
    assert len(plain) > 5
    for row in plain:
        for trace, share in ((one, row["one"]), (two, row["other"])):
            assert share == pytest.approx(by_hand(trace, row["token"]))
    shared = [row for row in plain if row["one"] is not None and row["other"] is not None]
    assert shared, "both know single letters"


def test_two_files_of_one_model_share_a_bench(gpt, tmp_path):
    one, two = (gptviz.open_trace(gpt.trace(t).save(tmp_path / f"{t}.safetensors")) for t in ("Once", "The king"))
    beside = gptviz.compare(one, two)
    assert len(beside._children["benches"]) == 1
    leader, share = two.top(1)[0]
    assert {row["token"]: row["other"] for row in beside.to_table()}[leader.text] == pytest.approx(share)


def test_anything_but_traces_is_refused(gpt):
    with pytest.raises(WrongType, match="two traces"):
        gptviz.compare(gpt.trace("Once"), "Once more")
