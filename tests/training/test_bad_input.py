"""What cannot be trained on is refused before anything begins, with expected, got and a remedy."""

import numpy as np
import pytest
import torch
from trained import TEXTS, small_gpt

from gptviz import training
from gptviz.errors import GPTVizError, OutOfRange, WrongType


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


@pytest.mark.parametrize(
    ("texts", "settings", "kind", "words"),
    [
        ([], {}, GPTVizError, "at least 1 text in texts. Got 0"),
        ("one text", {}, WrongType, "a list of texts"),
        (["fine", 3], {}, WrongType, r"a text or messages as texts\[1\]"),
        (["t"], {}, GPTVizError, r"at least 2 tokens in texts\[0\]"),
        (["x" * 65], {}, GPTVizError, "at most 64 tokens"),
        (TEXTS, {"method": "lore"}, GPTVizError, "Did you mean lora"),
        (TEXTS, {"rank": 0}, GPTVizError, "rank of at least 1. Got 0"),
        (TEXTS, {"steps": 0}, GPTVizError, "steps of at least 1"),
        (TEXTS, {"steps": 2.5}, WrongType, "a whole number as steps"),
        (TEXTS, {"learning_rate": 0}, GPTVizError, "a learning_rate above 0"),
        (TEXTS, {"learning_rate": 1e300}, GPTVizError, r"below 1e\+38"),
        (TEXTS, {"learning_rate": "fast"}, WrongType, "a number as learning_rate"),
        (TEXTS, {"learning_rate": float("nan")}, GPTVizError, "a learning_rate above 0"),
        (TEXTS, {"optimizer": "adam"}, GPTVizError, "Did you mean adamw"),
        (TEXTS, {"seed": -1}, GPTVizError, "a seed from 0"),
        (TEXTS, {"rehearse": "text"}, WrongType, "a list of texts as rehearse"),
        (TEXTS, {"measures": {"n": 3}}, WrongType, "functions of a GPT"),
        (TEXTS, {"epochs": 3}, WrongType, "settings among steps"),
    ],
)
def test_fine_tuning_is_refused(gpt, texts, settings, kind, words):
    with pytest.raises(kind, match=words):
        training.finetune(gpt, texts, **settings)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"size": "huge"}, GPTVizError, "a size among tiny, small, medium"),
        ({"size": (2, 64)}, WrongType, "a size as .layers, heads, width."),
        ({"size": (2, 4, 18)}, GPTVizError, "4 heads, 18 wide"),
        ({"size": (2, 0, 16)}, GPTVizError, "heads of at least 1"),
        ({"positions": "rotatory"}, GPTVizError, "Did you mean rotary"),
        ({"data": "a text"}, WrongType, "a language, a list of texts"),
        ({"data": []}, WrongType, "a list of texts. Got none"),
        ({"data": ["too short"]}, GPTVizError, "at least 64 tokens of text"),
        ({"data": iter(())}, WrongType, "Got no tokenizer"),
        ({"method": "lora"}, GPTVizError, "Random weights must all be learned"),
    ],
)
def test_pre_training_is_refused(arguments, kind, words):
    with pytest.raises(kind, match=words):
        training.pretrain(**{"steps": 1, **arguments})


@pytest.mark.parametrize(
    ("batch", "kind", "words"),
    [
        (None, GPTVizError, "a generator that ended after 0"),
        (torch.zeros(2, 3), WrongType, "whole numbers of shape"),
        (np.zeros(4, int), WrongType, "whole numbers of shape"),
        ([[0, 1], [2, 300]], OutOfRange, "token ids from 0 to"),
        ("text", WrongType, "whole numbers of shape"),
        (np.zeros((1, 999), int), GPTVizError, "at most 128 tokens in a text at step 0. Got 999"),
    ],
)
def test_a_batch_that_is_none_ends_the_run_in_words(gpt, batch, kind, words):
    given = iter([] if batch is None else [batch])
    run = training.pretrain(data=given, tokenizer=gpt.tokenizer, steps=2)
    with pytest.raises(kind, match=words):
        run.wait()
    assert run.status == "failed" and run.steps_kept.tolist() == [0]


@pytest.mark.parametrize(
    ("pairs", "settings", "words"),
    [
        ([], {}, "a list of pairs"),
        ([("a", "b")], {}, "three texts in each pair"),
        ([("a", "b", 3)], {}, "three texts in each pair"),
        ([("a", "b", "c")], {"beta": 0}, "a number above 0 as beta"),
    ],
)
def test_preferences_are_refused(gpt, pairs, settings, words):
    with pytest.raises(WrongType, match=words):
        training.prefer(gpt, pairs, **settings)
