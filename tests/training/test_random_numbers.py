"""Weights that begin at random are those of the seed, and the random numbers that torch shares stay as they are."""

import copy
import threading
import warnings

import peft
import pytest
import torch
from torch.utils._python_dispatch import is_in_torch_dispatch_mode
from trained import TEXTS, assert_weights_equal, small_gpt
from waiting import LONGEST_WAIT

from gptviz import training
from gptviz.training.adapters import adapter_state, add_adapters
from gptviz.training.random_numbers import random_numbers
from gptviz.training.small_models import random_model


def seeded(seed, create):
    """Returns what is created after `torch.manual_seed`, alone in the process."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return create()


def assert_states_equal(a, b):
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_a_model_begins_as_transformers_makes_it_after_a_seed(positions):
    model = random_model((2, 2, 12), positions, vocabulary=31, context=10, seed=5)
    expected = seeded(5, lambda: type(model)(model.config))
    assert_states_equal(model.state_dict(), expected.state_dict())


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_adapters_begin_as_peft_makes_them_after_a_seed(family):
    model = small_gpt(family).model
    made = adapter_state(add_adapters(copy.deepcopy(model), 3, 5))
    config = peft.LoraConfig(r=3, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM")
    expected = adapter_state(seeded(5, lambda: peft.get_peft_model(copy.deepcopy(model), config)))
    assert_states_equal(made, expected)
    assert any(tensor.any() for tensor in made.values())


def test_a_thread_draws_its_own_numbers_while_another_draws_from_the_shared_ones():
    is_inside, may_go_on, drawn = threading.Event(), threading.Event(), []

    def draw():
        with random_numbers(3):
            drawn.append(torch.empty(17).normal_())
            is_inside.set()
            may_go_on.wait(LONGEST_WAIT)
            drawn.append(torch.empty(5).uniform_(-2, 1))

    def draw_meanwhile():
        thread = threading.Thread(target=draw)
        first = torch.rand(3)
        thread.start()
        is_inside.wait(LONGEST_WAIT)
        second = torch.rand(3)
        may_go_on.set()
        thread.join(LONGEST_WAIT)
        return torch.cat([first, second, torch.rand(3)])

    shared = seeded(1, draw_meanwhile)
    assert torch.equal(shared, seeded(1, lambda: torch.cat([torch.rand(3) for _ in range(3)])))
    expected = seeded(3, lambda: [torch.empty(17).normal_(), torch.empty(5).uniform_(-2, 1)])
    assert len(drawn) == 2 and all(map(torch.equal, drawn, expected))


def finetuned(gpt, seed):
    return training.finetune(gpt, TEXTS, steps=1, batch=2, seed=seed)


def pretrained(_gpt, seed):
    return training.pretrain((1, 2, 12), training.repeats(length=8, symbols=7), steps=1, batch=2, seed=seed)


@pytest.mark.parametrize("start", [finetuned, pretrained])
def test_runs_that_are_started_at_once_begin_as_when_they_are_alone(start):
    gpt, seeds, runs = small_gpt(), range(4), {}
    together = threading.Barrier(len(seeds))
    state, filters = torch.get_rng_state(), list(warnings.filters)

    def begin(seed):
        together.wait(LONGEST_WAIT)
        runs[seed] = start(gpt, seed)

    starters = [threading.Thread(target=begin, args=[seed]) for seed in seeds]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(LONGEST_WAIT)
    for seed in seeds:
        assert_weights_equal(runs[seed].wait().gpt, start(gpt, seed).wait().gpt)
    assert torch.equal(torch.get_rng_state(), state)
    assert not is_in_torch_dispatch_mode() and warnings.filters == filters
