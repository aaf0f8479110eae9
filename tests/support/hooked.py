"""The truth that edits are tested against: hooks of PyTorch on untouched copies of small models of several families.

Nothing here goes through gptviz's editing. Modules are named by their paths in transformers; a hook is a function that
registers itself on a model and returns its handle.
"""

from functools import cache

import numpy as np
import torch
from close import assert_close
from families import ALL, IDS, build, tokenizer

import gptviz

LAYERS, HEADS, T, WIDTH = 3, 4, len(IDS), 24
OTHER = [72, 258, 31, 9, 201, 17, 72, 40, 119, 31, 77]  # as long as IDS, and equal to it at some places
SHORT = OTHER[:-2]
FAMILIES = ["gpt2", "llama", "gemma2", "gpt_neox", "granite"]  # grouped heads, post-norms, parallel parts, multipliers


@cache
def gpt_of(name):
    return gptviz.wrap(build(name), tokenizer())


@cache
def trace_of(name, *ids):
    return gpt_of(name).trace(list(ids or IDS))


@cache
def untouched_model(name):
    return build(name)


def block_path(name, layer):
    return f"{ALL[name].blocks}.{layer}"


def projection_path(name, layer):
    return f"{block_path(name, layer)}.{ALL[name].attn}.{ALL[name].projection}"


def part_path(name, layer, which):
    """Returns the module whose output is added to the stream: attention, MLP, or in Gemma the norm after each."""
    if name == "gemma2":
        after = "post_attention_layernorm" if which == "attn_out" else "post_feedforward_layernorm"
        return f"{block_path(name, layer)}.{after}"
    return f"{block_path(name, layer)}.{ALL[name].attn if which == 'attn_out' else 'mlp'}"


def input_hook(path, change):
    """Returns a hook that changes the first argument of a module."""

    def register(model):
        def hook(_module, args, kwargs):
            if args:
                return (change(args[0].clone()), *args[1:]), kwargs
            return args, kwargs | {"hidden_states": change(kwargs["hidden_states"].clone())}

        return model.get_submodule(path).register_forward_pre_hook(hook, with_kwargs=True)

    return register


def output_hook(path, change):
    """Returns a hook that changes the first result of a module."""

    def register(model):
        def hook(_module, _args, out):
            return change(out.clone()) if isinstance(out, torch.Tensor) else (change(out[0].clone()), *out[1:])

        return model.get_submodule(path).register_forward_hook(hook)

    return register


def hooked_logits(name, *hooks, ids=IDS):
    """Returns the untouched model's logits with these hooks, (T, vocab)."""
    model = untouched_model(name)
    handles = [register(model) for register in hooks]
    try:
        with torch.no_grad():
            return model(torch.tensor([ids]), use_cache=False).logits[0].numpy()
    finally:
        for handle in handles:
            handle.remove()


def recorded_at(name, register, ids=OTHER):
    """Returns the tensor at one point of the untouched model on the other text, (T, d)."""
    kept = []
    hooked_logits(name, register(lambda x: kept.append(x[0]) or x), ids=ids)
    return kept[0]


def in_head(head, change):
    """Returns a change to one head's part of the input of the output projection."""

    def changed(x):
        by_head = x.view(1, -1, HEADS, x.shape[-1] // HEADS)
        by_head[:, :, head] = change(by_head[:, :, head])
        return x

    return changed


def at_position(position, value):
    """Returns a change that sets one position, or several."""

    def changed(x):
        x[:, position] = value
        return x

    return changed


def stream_of(trace):
    """Returns the stream that goes into the logits of a trace."""
    return trace.residual(LAYERS)


def assert_same_as_hooks(name, edits, *hooks, least=1e-3):
    """Checks that the edited pass has the logits of the hooked model, and that the edit changed one by more than `least`.

    Returns the trace.
    """
    edited = gpt_of(name).trace(IDS, edits=edits)
    assert_close(edited.logits, hooked_logits(name, *hooks), scale=stream_of(edited))
    assert np.abs(edited.logits - trace_of(name).logits).max() > least
    return edited


def every_edit(name):
    """Returns an edit of every kind for the model."""
    source = trace_of(name, *OTHER)
    return [
        gptviz.ablate_head(0, 1), gptviz.scale_head(1, 0, 0.5), gptviz.set_attention(1, 3, 4, [1, 0, 0, 1, 0]),
        gptviz.patch("residual", 2, 6, source=source), gptviz.patch("mlp_out", 2, 1, source=source),
        gptviz.ablate_mlp(1), gptviz.ablate_neuron(0, 7), gptviz.steer(1, np.ones(WIDTH), 0.3),
        gptviz.ablate_mlp(0, position=2), gptviz.ablate_attention(1, position=5), gptviz.ablate_key(2, 6, 3),
        gptviz.ablate_key(2, 8, 8, head=1, renormalise=False),
    ]  # fmt: skip
