"""GPT-2 and Llama written from their papers in NumPy float64: the independent truth that a capture is tested against.

A forward takes the weights by their names in the checkpoint and returns every quantity of the contract by name. Nothing
here comes from torch, transformers or gptviz, so agreement means that two different programs computed the same model.
Sources: Radford et al. 2019 (GPT-2: pre-norm, learned positions, tanh GELU); Touvron et al. 2023 (Llama: RMSNorm,
SwiGLU), Su et al. 2021 (rotary positions), Ainslie et al. 2023 (grouped queries). Not about speed, batches or caches.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Weights = Mapping[str, Array]


@dataclass(frozen=True)
class Forward:
    """What one pass computed. L layers, H heads, T tokens; the leading axis of an array is the layer."""

    embedding: dict[str, Array]  # "sum" enters block 0; "token"; "position" where positions are added   (T, d_model)
    residual: Array  # entering block 0..L-1, then leaving the last                      (L + 1, T, d_model)
    q: Array  # as attention received them, after rotation                               (L, H, T, d_head)
    k: Array  # (L, H_kv, T, d_head)
    v: Array  # (L, H_kv, T, d_head)
    scores: dict[str, Array]  # "raw", "scaled", "masked" (-inf where not allowed)       (L, H, T, T)
    attention: Array  # (L, H, T, T)
    head_output: Array  # through the output projection, without its bias                (L, H, T, d_model)
    attn_bias: Array  # the output projection's bias, zero where there is none           (L, d_model)
    attn_out: Array  # (L, T, d_model)
    mlp_activations: Array  # what the down projection receives                          (L, T, d_mlp)
    mlp_out: Array  # (L, T, d_model)
    logit_lens: Array  # final norm and unembedding of every residual                    (L + 1, T, vocab)

    @property
    def logits(self) -> Array:  # (T, vocab)
        return self.logit_lens[-1]


def gpt2(weights: Weights, ids: list[int], *, n_heads: int, eps: float = 1e-5) -> Forward:
    """GPT-2 on token ids (T,), from the `state_dict` of `GPT2LMHeadModel`; its linear maps are stored (in, out)."""
    w = _float64(weights)
    d_model = w["transformer.wte.weight"].shape[1]
    positions = w["transformer.wpe.weight"][: len(ids)]
    tokens = w["transformer.wte.weight"][ids]
    parts = {"sum": tokens + positions, "token": tokens, "position": positions}
    unembedding = w.get("lm_head.weight", w["transformer.wte.weight"]).T

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
        return centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    layers = []
    stream = parts["sum"]
    for layer in range(_count(w, "transformer.h.")):
        block = f"transformer.h.{layer}"
        qkv = linear(norm(stream, f"{block}.ln_1"), f"{block}.attn.c_attn")  # (T, 3·d_model)
        q, k, v = (_split_heads(part, n_heads) for part in np.split(qkv, 3, axis=-1))
        projection = w[f"{block}.attn.c_proj.weight"]  # (d_model, d_model)
        layer_values = _attend(q, k, v, projection, w[f"{block}.attn.c_proj.bias"])
        after = stream + layer_values["attn_out"]
        layer_values["mlp_activations"] = _gelu_tanh(linear(norm(after, f"{block}.ln_2"), f"{block}.mlp.c_fc"))
        layer_values["mlp_out"] = linear(layer_values["mlp_activations"], f"{block}.mlp.c_proj")
        layers.append(layer_values | {"residual": stream})
        stream = after + layer_values["mlp_out"]
    assert unembedding.shape[0] == d_model
    return _collect(parts, layers, stream, lambda x: norm(x, "transformer.ln_f") @ unembedding)


def llama(
    weights: Weights, ids: list[int], *, n_heads: int, n_kv_heads: int, theta: float = 10_000.0, eps: float = 1e-6
) -> Forward:
    """Llama on token ids (T,), from the `state_dict` of `LlamaForCausalLM`; its linear maps are stored (out, in)."""
    w = _float64(weights)
    tokens = w["model.embed_tokens.weight"][ids]
    unembedding = w.get("lm_head.weight", w["model.embed_tokens.weight"]).T

    def norm(x: Array, name: str) -> Array:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"]

    def linear(x: Array, name: str) -> Array:
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)

    layers = []
    stream = tokens
    for layer in range(_count(w, "model.layers.")):
        attn, mlp = f"model.layers.{layer}.self_attn", f"model.layers.{layer}.mlp"
        x = norm(stream, f"model.layers.{layer}.input_layernorm")
        q = _rotate(_split_heads(linear(x, f"{attn}.q_proj"), n_heads), theta)
        k = _rotate(_split_heads(linear(x, f"{attn}.k_proj"), n_kv_heads), theta)
        v = _split_heads(linear(x, f"{attn}.v_proj"), n_kv_heads)
        projection = w[f"{attn}.o_proj.weight"].T  # (H·d_head, d_model)
        layer_values = _attend(q, k, v, projection, w.get(f"{attn}.o_proj.bias", np.zeros(stream.shape[1])))
        after = stream + layer_values["attn_out"]
        x = norm(after, f"model.layers.{layer}.post_attention_layernorm")
        layer_values["mlp_activations"] = _silu(linear(x, f"{mlp}.gate_proj")) * linear(x, f"{mlp}.up_proj")
        layer_values["mlp_out"] = linear(layer_values["mlp_activations"], f"{mlp}.down_proj")
        layers.append(layer_values | {"residual": stream})
        stream = after + layer_values["mlp_out"]
    parts = {"sum": tokens, "token": tokens}
    return _collect(parts, layers, stream, lambda x: norm(x, "model.norm") @ unembedding)


def _attend(q: Array, k: Array, v: Array, projection: Array, bias: Array) -> dict[str, Array]:
    """Causal attention; query head h reads key head h // (H / H_kv). q (H, T, d_head), k and v (H_kv, T, d_head)."""
    n_heads, n_tokens, d_head = q.shape
    group = n_heads // k.shape[0]
    keys, values = np.repeat(k, group, axis=0), np.repeat(v, group, axis=0)  # (H, T, d_head)
    raw = q @ keys.transpose(0, 2, 1)  # (H, T_query, T_key)
    scaled = raw / np.sqrt(d_head)
    masked = np.where(np.tri(n_tokens, dtype=bool), scaled, -np.inf)
    weight = np.exp(masked - masked.max(-1, keepdims=True))
    attention = weight / weight.sum(-1, keepdims=True)
    rows = projection.reshape(n_heads, d_head, -1)  # each head's own rows of the projection
    head_output = attention @ values @ rows  # (H, T, d_model)
    return {
        "q": q, "k": k, "v": v,
        "raw": raw, "scaled": scaled, "masked": masked,
        "attention": attention,
        "head_output": head_output,
        "attn_bias": bias,
        "attn_out": head_output.sum(0) + bias,
    }  # fmt: skip


def _collect(parts: dict[str, Array], layers: list[dict[str, Array]], last: Array, unembed) -> Forward:
    stacked = {name: np.stack([layer[name] for layer in layers]) for name in layers[0]}
    residual = np.concatenate([stacked.pop("residual"), last[None]])
    scores = {stage: stacked.pop(stage) for stage in ("raw", "scaled", "masked")}
    return Forward(parts, residual, scores=scores, logit_lens=unembed(residual), **stacked)


def _split_heads(x: Array, n_heads: int) -> Array:
    """(T, H·d_head) → (H, T, d_head)"""
    return x.reshape(len(x), n_heads, -1).transpose(1, 0, 2)


def _rotate(x: Array, theta: float) -> Array:
    """Rotary positions as Llama pairs them: feature i turns with feature i + d_head/2. x (H, T, d_head)."""
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[1])[:, None] * theta ** (-np.arange(half) / half)  # (T, d_head/2)
    first, second = x[..., :half], x[..., half:]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))


def _float64(weights: Weights) -> dict[str, Array]:
    return {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}


def _count(weights: Weights, prefix: str) -> int:
    """Returns the number of blocks under names such as `transformer.h.0.…`."""
    return 1 + max(int(name[len(prefix) :].split(".")[0]) for name in weights if name.startswith(prefix))
