"""Small random models whose layers differ, and what untouched copies of them say.

Some have layers without attention, some another number of heads or another head width in each layer, one several streams
a token. The truths are taken by hooks on untouched copies, never through gptviz.
"""

from functools import cache

import numpy as np
import torch
import transformers
from families import _GROUPED, _IDS, _WIDE, IDS, randomise, tokenizer
from torch import nn

import gptviz

_MAMBA = {"mamba_d_state": 6, "mamba_d_conv": 3}
_BASE = _GROUPED | {"pad_token_id": 0}
CONFIGS = {
    "lfm2": ("Lfm2Config", _GROUPED | {"layer_types": ["conv", "full_attention", "conv"], "block_auto_adjust_ff_dim": False}),
    "jamba": (
        "JambaConfig",
        _BASE | _MAMBA | {"attn_layer_period": 3, "attn_layer_offset": 1, "num_experts": 2, "num_experts_per_tok": 1},
    ),
    "qwen3_next": (
        "Qwen3NextConfig",
        _WIDE
        | {"layer_types": ["linear_attention", "linear_attention", "full_attention"], "num_experts": 4}
        | {"linear_key_head_dim": 6, "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4}
        | {"num_experts_per_tok": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
    ),
    "bamba": (
        "BambaConfig",
        _BASE
        | _MAMBA
        | {"attn_layer_indices": [1], "mamba_n_heads": 4, "mamba_d_head": 12, "mamba_chunk_size": 8},
    ),
    "gemma3n": (
        "Gemma3nTextConfig",
        _WIDE
        | {"vocab_size_per_layer_input": 269, "altup_num_inputs": 2, "laurel_rank": 4, "num_kv_shared_layers": 0}
        | {"hidden_size_per_layer_input": 8, "layer_types": ["full_attention"] * 3, "activation_sparsity_pattern": [0.0] * 3}
        | {"pad_token_id": 0},
    ),
}  # fmt: skip
CONFIGS["laguna"] = (
    "LagunaConfig",
    _WIDE
    | {"num_attention_heads_per_layer": [4, 2, 4], "sliding_window": 4, "num_experts": 4, "num_experts_per_tok": 2}
    | {"moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
)
GATED = ("qwen3_next", "laguna")  # a gate multiplies the heads' outputs before the projection
HYBRIDS = ("lfm2", "jamba", "qwen3_next", "bamba")
UNEVEN = {"2-4-2": ([2, 4, 2], [10, 10, 10]), "4-2-4": ([4, 2, 4], [10, 10, 10]), "widths": ([4, 2, 4], [6, 10, 4])}
ONE_STREAM = (*HYBRIDS, *UNEVEN, "laguna")
ALL = (*ONE_STREAM, "gemma3n")


def build(name, **options):
    """Returns a model, in evaluation mode and without gradients; two calls give two equal models."""
    torch.manual_seed(0)
    if name in UNEVEN:
        model = _uneven(*UNEVEN[name], **options)
    else:
        config, arguments = CONFIGS[name]
        config = getattr(transformers, config)(**arguments)
        model = transformers.AutoModelForCausalLM.from_config(config, **options)
    model.eval().requires_grad_(False)
    randomise(model, 5)
    return model


def _uneven(heads, widths, **options):
    """Returns a Llama with these numbers of heads and head widths in its layers, two key heads in each."""
    arguments = _IDS | _WIDE | {"num_attention_heads": 2, "num_key_value_heads": 2}
    model = transformers.AutoModelForCausalLM.from_config(transformers.LlamaConfig(**arguments), **options)
    for layer, count, width in zip(model.model.layers, heads, widths, strict=True):
        attention = layer.self_attn
        attention.num_key_value_groups, attention.head_dim = count // 2, width
        attention.scaling = width**-0.5
        sizes = {"q_proj": (24, count * width), "k_proj": (24, 2 * width), "v_proj": (24, 2 * width)}
        for projection, (inputs, outputs) in {**sizes, "o_proj": (count * width, 24)}.items():
            setattr(attention, projection, nn.Linear(inputs, outputs, bias=False))
        _rotate_own_width(attention, arguments | {"head_dim": width})
    return model


def _rotate_own_width(attention, arguments):
    """Lets an attention module rotate by the angles of its own head width."""
    rotary = transformers.models.llama.modeling_llama.LlamaRotaryEmbedding(transformers.LlamaConfig(**arguments))

    def replace(_module, args, kwargs):
        states = kwargs.get("hidden_states", args[0] if args else None)
        earlier = kwargs.get("past_key_values")
        start = 0 if earlier is None else earlier.get_seq_length(attention.layer_idx)
        positions = torch.arange(start, start + states.shape[1])[None]
        return args, kwargs | {"position_embeddings": rotary(states, positions)}

    attention.register_forward_pre_hook(replace, with_kwargs=True)


@cache
def gpt_of(name):
    return gptviz.wrap(build(name), tokenizer())


@cache
def trace_of(name):
    return gpt_of(name).trace(IDS)


def attentions_of(model):
    """Returns the attention module of each layer, None without one; each of these families calls it `self_attn`."""
    layers = model.get_submodule("model.layers")
    return [getattr(layer, "self_attn", None) for layer in layers]


@cache
def truth_of(name, ids=tuple(IDS)):
    """Returns the untouched model's logits, (T, vocab), and the eager map of each layer, (H, T, T), None without one."""
    maps = {}
    model = build(name, attn_implementation="eager")
    for layer, attention in enumerate(attentions_of(model)):
        if attention is not None:
            attention.register_forward_hook(lambda _m, _a, out, layer=layer: maps.update({layer: out[1][0].numpy()}))
    with torch.no_grad():
        model(torch.tensor([list(ids)]), use_cache=False)
        logits = build(name)(torch.tensor([list(ids)]), use_cache=False).logits[0].numpy()
    return logits, [maps.get(layer) for layer in range(3)]


def silenced_logits(name, layer, head, heads):
    """Returns the untouched model's logits after the last token with one head silenced before the output projection."""
    model = build(name)

    def silence(_module, args):
        mixed = args[0].clone()
        mixed.view(*mixed.shape[:-1], heads, -1)[..., head, :] = 0
        return (mixed,)

    projection = next(m for n, m in attentions_of(model)[layer].named_children() if n in ("o_proj", "out_proj"))
    projection.register_forward_pre_hook(silence)
    with torch.no_grad():
        return model(torch.tensor([IDS]), use_cache=False).logits[0, -1].numpy()


def heads_of(name):
    """Returns the number of heads of each layer, from the eager maps of an untouched copy."""
    return [0 if map is None else len(map) for map in truth_of(name)[1]]


def expected_maps(name, ids=tuple(IDS)):
    """Returns the eager maps of all layers, (L, H, T, T), NaN where there is none."""
    maps = truth_of(name, ids)[1]
    filled = np.full((3, max(heads_of(name)), len(ids), len(ids)), np.nan, np.float32)
    for layer, map in enumerate(maps):
        if map is not None:
            filled[layer, : len(map)] = map
    return filled
