"""Small models and runs for the tests of training."""

from functools import cache

import families
import numpy as np
import torch

import gptviz
from gptviz import training

TEXTS = ["the thing in the tin", "that thin thing", "in the inn there is a tin", "then the thief"]


def small_gpt(family="gpt2"):
    """Returns a small random model with a tokenizer of bytes."""
    return gptviz.wrap(families.build(family), families.tokenizer())


def quick(gpt, texts=TEXTS, **settings):
    """Returns a finished run of a few steps on short texts."""
    return training.finetune(gpt, texts, **{"steps": 5, "batch": 3, "learning_rate": 1e-2, **settings}).wait()


@cache
def example_run():
    """Returns a short run on hostile texts that every view test can share, with held-out text and a measure of its own."""
    texts = ["the <b>thin</b> tin", "that thin thing", "in the inn there is a tin", "then the thief"]
    measures = {"bits <i>of n</i>": lambda gpt: float(gpt.trace("thi").logits[-1].max())}
    return quick(small_gpt(), texts, held_out=["the thin inn"], measures=measures)


def training_view(**options):
    """Returns a view of `example_run`, at one of its steps."""
    return gptviz.TrainingView(example_run(), prompt="the <b>thin", step=3, **options)


def logits(gpt, text="the thin tin"):
    return gpt.trace(text).logits


def weights(gpt):
    """Returns the weights of a GPT by name, as NumPy arrays in float64."""
    return {name: p.detach().double().numpy() for name, p in gpt.model.named_parameters()}


def assert_weights_equal(a, b):
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def assert_is_step(gpt, run, step):
    """Checks that a model is that of a run's step."""
    assert gpt.name == run.at(step).name
    assert_weights_equal(gpt, run.at(step))


def torch_ids(gpt, text):
    return torch.tensor([gpt.encode(text)])
