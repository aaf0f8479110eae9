"""The synthetic languages keep their rules, and pre-training learns from them, from texts and from batches."""

import numpy as np
import pytest
import torch
from close import approx_float32

from gptviz import training
from gptviz.errors import GPTVizError
from gptviz.training.languages import SYMBOLS, UNKNOWN

TEXT = "The cat sat on the mat. The dog sat on the log. "


def test_repeats_come_again_after_a_period():
    language = training.repeats(length=20, shortest=3, longest=7, symbols=40)
    ids = language.make(50, torch.Generator().manual_seed(1)).numpy()
    assert ids.shape == (50, 20) and 0 <= ids.min() <= ids.max() < 40
    periods = [next(p for p in range(1, 20) if (row[p:] == row[:-p]).all()) for row in ids]
    assert min(periods) >= 3 and set(periods) == {3, 4, 5, 6, 7}


def test_brackets_close_in_order():
    language = training.brackets(length=18, kinds=3)
    ids = language.make(50, torch.Generator().manual_seed(1))
    for row in ids.tolist():
        text, unclosed = "".join(language.symbols[id] for id in row), []
        for symbol in text:
            if symbol in "([{":
                unclosed.append(symbol)
            else:
                assert unclosed.pop() + symbol in ("()", "[]", "{}")
        assert not unclosed and len(text) == 18
    assert len({tuple(row) for row in ids.tolist()}) > 40


@pytest.mark.parametrize(
    "call",
    [
        lambda: training.repeats(length=8, longest=8),
        lambda: training.repeats(symbols=65),
        lambda: training.repeats(length=0),
        lambda: training.brackets(length=7),
        lambda: training.brackets(kinds=4),
    ],
)
def test_impossible_languages_are_refused(call):
    with pytest.raises(GPTVizError, match=r"Expected .* Got .*"):
        call()


def test_a_language_has_a_token_for_each_symbol():
    tokenizer = training.repeats().tokenizer()
    ids = tokenizer("ab+a?")["input_ids"]
    assert ids == [0, 1, SYMBOLS.index("+"), 0, len(SYMBOLS)]
    assert tokenizer.decode(ids[:4]) == "ab+a" and tokenizer.decode(ids[4:]) == UNKNOWN


@pytest.mark.parametrize(("positions", "kind"), [("rotary", "LlamaForCausalLM"), ("learned", "GPT2LMHeadModel")])
def test_pre_training_begins_at_random_and_measures_roles(positions, kind):
    language = training.repeats(length=12, symbols=10)
    run = training.pretrain(data=language, positions=positions, steps=3, batch=4, keep=2).wait()
    assert type(run.gpt.model).__name__ == kind
    assert run.at(0).trace("abcabc").tokens[3].text == "a"
    assert run.loss[0] == pytest.approx(np.log(11), rel=0.1)  # as if all tokens were equally likely
    assert set(run.measures) == {"held_out", "accuracy", "induction", "previous"}
    assert run.measures["induction"].shape == run.steps_kept.shape
    scores = __import__("gptviz").lens.role_scores(run.gpt, period=3)
    assert run.measures["induction"][-1] == approx_float32(float(scores["induction"].max()), 1.0)
    other = training.pretrain(data=language, positions=positions, steps=3, batch=4, seed=1).wait()
    assert other.loss[0] != run.loss[0]


@pytest.mark.parametrize(("positions", "kind"), [("rotary", "llama"), ("learned", "gpt2")])
def test_a_size_may_be_layers_heads_and_width(positions, kind):
    gpt = training.pretrain((3, 2, 12), training.repeats(length=8), 1, positions=positions, batch=2).wait().gpt
    assert (gpt.model.config.model_type, gpt.n_layers, gpt.n_heads, gpt.d_model) == (kind, 3, 2, 12)


def test_pre_training_on_texts_learns_a_tokenizer_and_the_texts():
    run = training.pretrain(data=[TEXT * 20], vocabulary=280, length=16, steps=30, batch=8, held_out=[TEXT * 3], keep=2)
    run.wait()
    assert run.gpt.vocab_size <= 280
    assert run.gpt.decode(run.gpt.encode("a naïve cat")) == "a naïve cat"
    assert run.measures["held_out"][-1] < run.measures["held_out"][0]


def test_pre_training_on_batches_uses_them_in_order():
    tokenizer = training.repeats(symbols=5).tokenizer()
    batches = [torch.randint(5, (2, 9), generator=torch.Generator().manual_seed(i)) for i in range(3)]
    run = training.pretrain(data=iter(batches), tokenizer=tokenizer, steps=3, learning_rate=1e-9).wait()
    model = run.at(0).model
    for loss, ids in zip(run.loss, batches, strict=True):
        output = model(ids, labels=ids)
        assert loss == approx_float32(float(output.loss.detach()), output.logits.detach())
