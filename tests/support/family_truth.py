"""The truth that traces of many families are tested against: transformers itself, on untouched copies of the models.

A second copy of each model computes its maps with `attn_implementation="eager"`, and hooks on another copy record what
its blocks and projections receive and return. `reference_numpy.py` has the truth that is independent of transformers.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np
import torch
from families import ALL, IDS, build, tokenizer

import gptviz
from gptviz.errors import NotAvailable

LAYERS, HEADS, T = 3, 4, len(IDS)


@cache
def model_of(name):
    return build(name)


@cache
def trace_of(name):
    return gptviz.wrap(model_of(name), tokenizer()).trace(IDS)


@cache
def truth_of(name):
    """Returns the untouched model's logits, its eager maps, and what its blocks and projections receive and return."""
    family = ALL[name]
    model, eager_copy = build(name), build(name, attn_implementation="eager")
    recorded = SimpleNamespace(entering=[], leaving=[], activations=[], attention_bias=[])
    for block in model.get_submodule(family.blocks):
        block.register_forward_pre_hook(lambda m, args, kw: recorded.entering.append(first(args, kw)), with_kwargs=True)
        block.register_forward_hook(lambda m, args, out: recorded.leaving.append(first(out)))
        if family.down:
            down = block.get_submodule(family.down)
            down.register_forward_pre_hook(lambda m, args: recorded.activations.append(args[0].clone()))
        projection = getattr(block.get_submodule(family.attn), family.projection, None)
        recorded.attention_bias.append(getattr(projection, "bias", None))
    with torch.no_grad():
        recorded.logits = model(torch.tensor([IDS])).logits[0]
        out = eager_copy(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    recorded.maps = torch.stack([weights[0] for weights in out.attentions])
    recorded.hidden_states = out.hidden_states
    return recorded


def first(values, keywords=None):
    """Returns a copy of the hidden states in a block's arguments or results: some families write into their outputs."""
    if isinstance(values, torch.Tensor):
        return values.clone()
    return (values[0] if values else keywords["hidden_states"]).clone()


@cache
def stream_of(name):
    """Returns the residual stream of the untouched model, which goes into every later number."""
    return np.stack([*truth_of(name).entering, truth_of(name).leaving[-1]])


@cache
def scores_of(name):
    """Returns the scaled scores, whose size decides how near two maps can be; on the eager route, which has none, the stream."""
    if ALL[name].route == "eager":
        return stream_of(name)
    stages = [trace_of(name).score_stages(layer, head) for layer in range(LAYERS) for head in range(HEADS)]
    return np.stack([list(each.values())[1] for each in stages])


def is_refused(call):
    """Returns whether the call raises NotAvailable with all three parts of its message."""
    try:
        call()
    except NotAvailable as error:
        return all(len(part) > 5 for part in (error.expected, error.got, error.remedy))
    return False
