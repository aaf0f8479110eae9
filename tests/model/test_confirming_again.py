"""What half precision would hide, and what changes between two questions, is refused.

The truth is the map that a user's own attention function computed, and what was said before the change.
"""

import functools
from types import MethodType, SimpleNamespace

import numpy as np
import pytest
import torch
from changed_layers import assert_heads_sum_up
from close import assert_close
from families import IDS, build, tokenizer
from family_truth import is_refused, trace_of
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

import gptviz
from gptviz import lens
from gptviz.errors import ModelChanged, NotAvailable


def register_scaled(name, factor):
    """Registers an attention function whose scores are those of transformers' times a factor."""

    @functools.wraps(sdpa_attention_forward)  # so that it bears the name of transformers' own
    def scaled(module, query, key, value, attention_mask, *, scaling=None, **keywords):
        scaling = (query.shape[-1] ** -0.5 if scaling is None else scaling) * factor
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **keywords)

    AttentionInterface.register(name, scaled)
    AttentionMaskInterface.register(name, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])


@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("factor", [1.0, 1.02, 1.2])
def test_a_small_change_of_the_scaling_is_seen_in_half_precision(name, dtype, factor):
    model = build(name, dtype=dtype)
    register_scaled("test_scaled", factor)
    model.set_attn_implementation("test_scaled")
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    for layer in range(3):
        if factor == 1.0:
            np.testing.assert_array_equal(trace.attention(layer)[:, 0, 0], 1)
        else:
            with pytest.raises(NotAvailable, match="eager attention function"):
                trace.attention(layer)


def test_a_kernel_that_was_replaced_is_seen_in_half_precision(monkeypatch):
    kernel = nn.functional.scaled_dot_product_attention

    def hot(*tensors, scale, **keywords):
        return kernel(*tensors, scale=scale * 1.15, **keywords)

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", hot)
    trace = gptviz.wrap(build("llama", dtype=torch.bfloat16), tokenizer()).trace(IDS)
    assert all(is_refused(lambda layer=layer: trace.attention(layer)) for layer in range(3))


HOOKS = {  # what each does to what passes, and what can then not be shown
    "model.layers.1": (lambda _module, _args, out: out + 1.0, lambda trace: trace.mlp_out(1)),
    "model.layers.1.self_attn": (
        lambda _m, _args, out: (out[0] * 1.1, *out[1:]),
        lambda trace: trace.head_output(1, 0),
    ),
    "model.layers.1.mlp": (lambda _module, _args, out: out * 1.1, lambda trace: trace.neurons(1)),
    "": (lambda _model, _args, out: type(out)(logits=out.logits * 1.05), lambda trace: trace.logit_lens()),
}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("path", HOOKS)
def test_a_small_change_by_a_hook_is_seen_in_half_precision(path, dtype):
    model = build("llama", dtype=dtype)
    gpt, (hook, question) = gptviz.wrap(model, tokenizer()), HOOKS[path]
    question(gpt.trace(IDS))
    model.get_submodule(path).register_forward_hook(hook)
    assert is_refused(lambda: question(gpt.trace(IDS)))


def test_a_hook_s_own_state_that_changes_after_a_question_is_seen():
    model, box = build("llama"), [1.0]
    for layer in model.model.layers:
        for part in (layer.self_attn.o_proj, layer.mlp.gate_proj):
            part.register_forward_hook(lambda _module, _args, out: out * box[0])
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    assert_heads_sum_up(trace, 0)
    assert len(trace.neurons(0))
    box[0] = 2.0
    assert is_refused(lambda: trace.head_output(0, 0))
    assert is_refused(lambda: trace.neurons(0))


PATHS = {  # the norm before attention, and attention
    "llama": ("model.layers.1.input_layernorm", "model.layers.1.self_attn"),
    "gpt2": ("transformer.h.1.ln_1", "transformer.h.1.attn"),
    "gpt_neox": ("gpt_neox.layers.1.input_layernorm", "gpt_neox.layers.1.attention"),
}


def entered(args, keywords):
    return (args[0] if args else keywords["hidden_states"])[0].numpy().copy()


@pytest.mark.parametrize("name", PATHS)
def test_what_enters_attention_is_what_the_user_s_hooks_made_of_it(name):
    model, seen = build(name), []
    norm, attention = (model.get_submodule(path) for path in PATHS[name])
    gpt, factor = gptviz.wrap(model, tokenizer()), [3.0]
    norm.register_forward_hook(lambda _module, _args, out: out * factor[0])

    def doubled(_module, args, keywords):
        if args:
            return (args[0] * 2, *args[1:]), keywords
        return args, keywords | {"hidden_states": keywords["hidden_states"] * 2}

    attention.register_forward_pre_hook(doubled, with_kwargs=True)
    watching = attention.register_forward_pre_hook(
        lambda _module, args, keywords: seen.append(entered(args, keywords)), with_kwargs=True
    )
    trace = gpt.trace(IDS)
    watching.remove()
    factor[0] = 5.0
    np.testing.assert_array_equal(trace.attn_in(1), seen[-1])
    assert_close(trace.attn_in(0), trace_of(name).attn_in(0))  # no hook there: computed again


@pytest.mark.parametrize("change", ["hook", "setting"])
def test_another_norm_than_in_the_pass_does_not_tell_what_entered_attention(change):
    model = build("llama")
    norm = model.get_submodule(PATHS["llama"][0])
    norm.factor = SimpleNamespace(value=1.0)
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    assert_close(trace.attn_in(1), trace_of("llama").attn_in(1))
    if change == "hook":
        norm.register_forward_hook(lambda _module, _args, out: 3 * out)
    else:
        norm.factor.value = 2.0
    with pytest.raises(ModelChanged, match=r"[Tt]race again"):
        trace.attn_in(1)
    trace.attn_in(0)


class Keeping(nn.Module):
    """A norm that keeps what it was given."""

    def __init__(self, base):
        super().__init__()
        self.base, self.weight, self.last = base, base.weight, None

    def forward(self, x):
        self.last = x
        return self.base(x)


def test_what_enters_attention_is_held_after_a_norm_of_the_user_s_own():
    model = build("llama")
    layers = model.model.layers
    layers[1].input_layernorm = Keeping(layers[1].input_layernorm)
    layers[2].input_layernorm.forward = MethodType(type(layers[2].input_layernorm).forward, layers[2].input_layernorm)
    gpt = gptviz.wrap(model, tokenizer())
    for _ in range(2):
        trace = gpt.trace(IDS)
        for layer in range(3):
            assert_close(trace.attn_in(layer), trace_of("llama").attn_in(layer))


class Gain(nn.Module):
    """A linear layer whose class has a number that it multiplies with."""

    gain = 1.0

    def __init__(self, old):
        super().__init__()
        self.weight, self.bias = old.weight, old.bias

    def forward(self, x):
        return nn.functional.linear(x, self.weight * self.gain, self.bias)


class Hidden(Gain):
    """A linear layer with a module in a plain list, which PyTorch does not know of."""

    def __init__(self, old):
        super().__init__(old)
        self.extra = [nn.Linear(*old.weight.shape[::-1]).requires_grad_(False)]

    def forward(self, x):
        return super().forward(x) + self.extra[0](x)


def raise_the_gain(monkeypatch, model):
    monkeypatch.setattr(Gain, "gain", 2.0)


def change_what_is_hidden(_monkeypatch, model):
    for layer in model.model.layers:
        for part in (layer.mlp.gate_proj, layer.self_attn.o_proj):
            part.extra[0].weight.mul_(3)


def patch_the_class(monkeypatch, model):
    forward = Gain.forward
    monkeypatch.setattr(Gain, "forward", lambda self, x: 1.5 * forward(self, x))


def hook_all_modules(monkeypatch, model):
    hook = register_module_forward_hook(lambda module, _args, out: out * 1.5 if isinstance(module, Gain) else None)
    model.undo = hook.remove


@pytest.mark.parametrize(
    ("kind", "change"),
    [(Gain, raise_the_gain), (Gain, patch_the_class), (Gain, hook_all_modules), (Hidden, change_what_is_hidden)],
)
def test_what_changes_outside_of_a_module_after_a_question_is_seen(monkeypatch, kind, change):
    model = build("llama")
    for layer in model.model.layers:
        layer.mlp.gate_proj, layer.self_attn.o_proj = kind(layer.mlp.gate_proj), kind(layer.self_attn.o_proj)
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    questions = [lambda: trace.mlp_out(1), lambda: trace.head_output(1, 0), lambda: trace.neurons(1, -1)]
    for question in questions:
        question()
    try:
        change(monkeypatch, model)
        assert all(is_refused(question) for question in questions)
    finally:
        getattr(model, "undo", lambda: None)()


def test_another_norm_class_than_in_the_pass_does_not_tell_what_entered_attention(monkeypatch):
    trace = gptviz.wrap(build("llama"), tokenizer()).trace(IDS)
    norm = type(trace.gpt.model.model.norm)
    forward = norm.forward
    monkeypatch.setattr(norm, "forward", lambda self, x: 1.5 * forward(self, x))
    with pytest.raises(ModelChanged, match=r"[Tt]race again"):
        trace.attn_in(1)


def test_an_attention_module_that_calls_its_function_for_each_part_of_the_text_is_refused():
    model = build("llama")
    attention = model.model.layers[1].self_attn
    whole = type(attention).forward

    def in_parts(hidden_states, *args, **keywords):
        result = whole(attention, hidden_states, *args, **keywords)
        return whole(attention, hidden_states, *args, **keywords) if hidden_states.shape[1] > 8 else result

    attention.forward = in_parts
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    for question in (lambda: trace.q(1), lambda: trace.attention(1), lambda: trace.head_output(1, 0)):
        assert is_refused(question)
    assert trace.q(0).shape == (4, len(IDS), 10)


def test_another_attention_function_after_a_sweep_is_noticed_by_the_next():
    model, value = build("llama"), lens.probability_of(5)
    trace = gptviz.wrap(model, tokenizer()).trace(IDS)
    lens.ablation_sweep(trace, value)
    register_scaled("test_hot", 0.5)
    model.set_attn_implementation("test_hot")
    with pytest.raises(ModelChanged):
        lens.ablation_sweep(trace, value)


def test_a_sweep_runs_in_the_autocast_of_its_trace():
    gpt, value = gptviz.wrap(build("llama"), tokenizer()), lens.probability_of(5)
    with torch.autocast("cpu", torch.bfloat16):
        trace = gpt.trace(IDS)
        inside = lens.ablation_sweep(trace, value).effects
    np.testing.assert_array_equal(lens.ablation_sweep(trace, value).effects, inside)
