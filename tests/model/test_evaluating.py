"""A trace runs in evaluation mode; a training step that runs in another thread at the same time keeps its dropout."""

import copy
import pickle
import threading

import pytest
import torch
from families import IDS, build, tokenizer
from model_state import assert_same, state

import gptviz


def with_dropout(name):
    """Returns a model in training mode whose dropout takes half of the numbers."""
    model = build(name).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    return model


def in_another_thread(call):
    """Returns what `call` returns in another thread."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def test_a_training_step_in_another_thread_keeps_its_dropout():
    model = with_dropout("gpt2")
    gpt = gptviz.wrap(model, tokenizer())
    expected, before = gptviz.wrap(build("gpt2"), tokenizer()).trace(IDS).logits, state(model)
    batch, pairs = torch.tensor([IDS]), []

    def train_meanwhile(*_):
        if len(pairs) < 3 and threading.current_thread() is threading.main_thread():
            assert not model.training
            pairs.append(in_another_thread(lambda: [model(batch).logits for _ in range(2)] + [model.training]))

    handle = model.transformer.h[1].register_forward_hook(train_meanwhile)
    for _ in range(3):
        assert (gpt.trace(IDS).logits == expected).all()  # without dropout
    handle.remove()
    assert len(pairs) == 3
    for one, other, is_training in pairs:
        assert is_training
        assert abs(one - other).max() > 1e-3
        assert one.requires_grad == any(p.requires_grad for p in model.parameters())
    assert_same(before, state(model))


def test_a_mode_that_another_thread_sets_during_a_pass_stays():
    model = with_dropout("gpt2")
    gpt = gptviz.wrap(model, tokenizer())
    handle = model.transformer.h[1].register_forward_hook(lambda *_: in_another_thread(model.eval) and None)
    gpt.trace(IDS)
    handle.remove()
    assert not any(module.training for module in model.modules())


def test_a_copy_that_is_made_during_a_pass_is_a_model_of_its_own():
    model = with_dropout("gpt2")
    gpt = gptviz.wrap(model, tokenizer())
    copies = []
    handle = model.transformer.h[1].register_forward_hook(lambda *_: copies.append(copy.deepcopy(model.lm_head)))
    gpt.trace(IDS)
    handle.remove()
    assert copies[0].training
    assert not copies[0].eval().training
    assert pickle.loads(pickle.dumps(model.lm_head)).training


class OwnMode(torch.nn.Module):
    """A module that keeps its mode in its own way."""

    training = property(lambda self: self.mode, lambda self, mode: vars(self).__setitem__("mode", mode))

    def forward(self, x):
        assert not self.training
        return x


def test_a_module_that_keeps_its_mode_in_its_own_way_is_evaluated_too():
    model = build("gpt2").train()
    own = OwnMode()
    model.transformer.drop = own
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    assert trace.logits.shape[0] == len(IDS)
    assert own.training
    with pytest.raises(AssertionError):
        own(torch.zeros(1))
