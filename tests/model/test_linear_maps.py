"""Layers that keep no plain weight: what they compute is asked of them, so that heads, neurons and shares are exact.

The truth is the sum that a pass itself computed, and the same model with the layer's weight written out.
"""

import copy

import pytest
import torch
from changed_layers import (
    D_MLP,
    Adapted,
    Int8,
    Packed,
    assert_heads_sum_up,
    assert_neurons_sum_up,
    assert_shares_sum_up,
    pruned,
    traced,
)  # fmt: skip
from close import assert_close
from families import IDS, VOCAB, build, tokenizer
from torch import nn
from torch.nn.utils import parametrizations

import gptviz
from gptviz import lens
from gptviz.errors import NotAvailable, OutOfRange

CHANGES = {
    "int8": Int8,
    "adapter last": Adapted,
    "adapter first": lambda module: Adapted(module, adapter_first=True),
    "adapters nested": lambda module: Adapted(Adapted(module)),
    "pruned": pruned,
    "weight norm": parametrizations.weight_norm,
    "forward of the instance": lambda module: setattr(module, "forward", lambda x: 2 * nn.Linear.forward(module, x)) or module,
}  # fmt: skip
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def changed(name, *paths):
    """Returns a model of a family in which `change` replaced the modules at these paths."""

    def build_with(change):
        model = build(name)
        for path in paths:
            parent, _, child = path.rpartition(".")
            setattr(model.get_submodule(parent), child, change(model.get_submodule(path)))
        return model.requires_grad_(False)

    return build_with


@every_change
def test_heads_of_a_changed_output_projection_sum_to_what_attention_added(change):
    model = changed("llama", "model.layers.0.self_attn.o_proj", "model.layers.2.self_attn.o_proj")(change)
    trace = traced(model)
    for layer in range(3):
        assert_heads_sum_up(trace, layer)
    assert_shares_sum_up(trace)
    assert [share.part for share in lens.attribution(trace, 5)].count("head") == 12


@every_change
@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_neurons_of_a_changed_down_projection_sum_to_what_the_mlp_added(name, change):
    model = changed(name, "model.layers.1.mlp.down_proj")(change)
    gpt = gptviz.wrap(model, tokenizer())
    trace = gpt.trace(IDS)
    assert_neurons_sum_up(trace, 1)
    assert_shares_sum_up(trace, neurons=True)
    edited = gpt.trace(IDS, edits=[gptviz.ablate_neuron(1, 40)])
    assert not edited.mlp_activations(1)[:, 40].any()
    with pytest.raises(OutOfRange, match="from 0 to 55"):
        gpt.trace(IDS, edits=[gptviz.ablate_neuron(1, D_MLP)])


@pytest.mark.parametrize("change", [pruned, parametrizations.weight_norm])
def test_neurons_of_a_changed_conv1d(change):
    trace = traced(changed("gpt2", "transformer.h.0.mlp.c_proj", "transformer.h.1.attn.c_proj")(change))
    assert_neurons_sum_up(trace, 0)
    assert_heads_sum_up(trace, 1)
    assert_shares_sum_up(trace, neurons=True)


@pytest.mark.parametrize("change", [Int8, Adapted, Packed, pruned, parametrizations.weight_norm])
def test_shares_of_a_logit_with_a_changed_head(change):
    model = changed("llama", "lm_head")(change)
    trace = traced(model)
    assert trace.vocab_size == trace.gpt.vocab_size == VOCAB
    assert_shares_sum_up(trace)
    row, _ = trace.unembedding(5)
    units = torch.eye(24, dtype=torch.float64)
    head = copy.deepcopy(model.lm_head).double()
    if change is not Int8:  # which computes in float32
        assert_close(row, head(units)[:, 5].numpy())
    assert_close(trace.logit_lens()[-1], trace.logits[-1], scale=trace.residual(3))


def test_a_layer_that_is_not_linear_is_refused():
    """A layer that rounds what enters and leaves it, as dynamic quantisation does, is no sum of what its inputs give."""

    class Rounded(nn.Module):
        def __init__(self, plain):
            super().__init__()
            self.plain = plain

        weight = property(lambda self: self.plain.weight)

        def forward(self, x):
            return (self.plain((x * 4).round() / 4) * 4).round() / 4

    paths = "model.layers.0.self_attn.o_proj", "model.layers.1.mlp.down_proj", "lm_head"
    trace = traced(changed("llama", *paths)(Rounded))
    for call in (lambda: trace.head_output(0, 1), lambda: trace.neurons(1), lambda: lens.attribution(trace, 5)):
        with pytest.raises(NotAvailable):
            call()
    assert_close(trace.attn_out(0) + trace.mlp_out(0), trace.residual(1) - trace.residual(0), scale=trace.residual(1))
    assert_heads_sum_up(trace, 1)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_oss"])
@pytest.mark.parametrize("scale", [1.0, 0.03])
def test_an_mlp_with_small_weights_in_half_precision_has_its_own_neurons(name, scale):
    """Where weights are small, an activation function is nearly linear, and so is the whole MLP within rounding."""
    model = build(name, dtype=torch.bfloat16)
    for path, parameter in model.named_parameters():
        if ".mlp." in path:
            parameter.data *= scale
    trace = traced(model)
    if name == "gpt_oss":
        with pytest.raises(NotAvailable):
            trace.mlp_activations(0)
    else:
        assert trace.mlp_activations(0).shape == (len(IDS), D_MLP)
        assert trace.neurons(0).shape == (D_MLP, 24)
