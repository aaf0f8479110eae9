"""Layers that keep no plain weight (quantised, adapted, packed, pruned), and the sums that must hold with them."""

import numpy as np
import pytest
import torch
from close import assert_close, rounding
from families import IDS, tokenizer
from torch import nn
from torch.nn.utils import prune

import gptviz
from gptviz import lens

D_MLP = 56  # of the families with one down projection


class Int8(nn.Linear):
    """Keeps integers and a scale for each output, as checkpoints of 8 bits do."""

    def __init__(self, plain):
        nn.Module.__init__(self)
        self.in_features, self.out_features, self.bias = plain.in_features, plain.out_features, plain.bias
        scale = plain.weight.abs().amax(1, keepdim=True) / 127
        self.weight = nn.Parameter((plain.weight / scale).round().to(torch.int8), requires_grad=False)
        self.register_buffer("scale", scale)

    def forward(self, x):
        return nn.functional.linear(x.float(), self.weight.float() * self.scale, self.bias)


class Adapted(nn.Module):
    """A layer with a low-rank adapter, whose parts are called before or after the layer."""

    def __init__(self, base, adapter_first=False):
        super().__init__()
        self.base, self.adapter_first, self.on = base, adapter_first, True
        n_out, n_in = base.weight.shape
        draw = torch.Generator().manual_seed(4)
        self.A, self.B = nn.Linear(n_in, 3, bias=False), nn.Linear(3, n_out, bias=False)
        self.A.weight.data = 0.3 * torch.randn(3, n_in, generator=draw)
        self.B.weight.data = 0.3 * torch.randn(n_out, 3, generator=draw)

    weight = property(lambda self: self.base.weight)
    bias = property(lambda self: self.base.bias)

    def forward(self, x):
        if not self.on:
            return self.base(x)
        return self.B(self.A(x)) + self.base(x) if self.adapter_first else self.base(x) + self.B(self.A(x))


class Packed(nn.Module):
    """Keeps its weight in a buffer under another name."""

    def __init__(self, plain):
        super().__init__()
        self.register_buffer("packed", plain.weight.data)

    def forward(self, x):
        return x @ self.packed.T


def pruned(module):
    return prune.l1_unstructured(module, "weight", 0.5)


def traced(model):
    return gptviz.wrap(model, tokenizer()).trace(IDS)


def assert_heads_sum_up(trace, layer):
    heads = [trace.head_output(layer, head) for head in range(trace.n_heads)]
    assert all(head.shape == (len(IDS), trace.d_model) and np.abs(head).max() > 0.1 for head in heads)
    assert_close(sum(heads) + trace.head_bias(layer), trace.attn_out(layer), scale=heads)
    factors = trace.contributions(layer)
    by_head = factors.weights @ factors.values * factors.gain
    assert_close(by_head, heads, scale=factors.values)


def assert_neurons_sum_up(trace, layer):
    neurons = trace.neurons(layer, 4)
    assert neurons.shape == (D_MLP, trace.d_model)
    assert_close(neurons.sum(0) + trace.mlp_bias(layer), trace.mlp_out(layer)[4], scale=neurons)
    assert_close(trace.mlp_activations(layer)[4][:, None] * trace.neuron_rows(layer), neurons)


def assert_shares_sum_up(trace, **keywords):
    for id in (5, 200):
        values = [share.value for share in lens.attribution(trace, id, **keywords)]
        bound = rounding(trace.residual(trace.n_layers), values)
        assert sum(values) == pytest.approx(trace.logits[-1, id], abs=bound)
