"""The files of a model for a page that runs it: GPT-2's architecture, in float16, small enough for one page."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors.numpy import save

from gptviz.errors import GPTVizError, fail

MOST_PARAMETERS = 7_000_000  # two bytes each, written in base64: 18.7 of a page's 20 MB
LARGEST = 65_504.0  # of the numbers that float16 holds
# The settings that change GPT-2's arithmetic, with the values that `engine/weights.js` computes.
_SUPPORTED = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}
_USED = (
    *_SUPPORTED, "n_layer", "n_head", "n_embd", "n_inner", "n_positions", "vocab_size", "layer_norm_epsilon",
    "tie_word_embeddings",
)  # fmt: skip
_PYTHON_CAN = "Show this model in a notebook: gptviz.load(folder)."


@dataclass(frozen=True)
class ModelFiles:
    """name: of the model. config: what the engine uses of it. tokenizer: its tokenizer.json. weights: safetensors, float16."""

    name: str
    config: dict[str, Any]
    tokenizer: dict[str, Any]
    weights: bytes


def model_files(gpt: Any) -> ModelFiles:
    """Returns the files of a model. Raises GPTVizError for one that a page cannot run: another architecture or tokenizer,
    more than 7 million parameters, or weights that float16 changes; `round_weights` rounds them."""
    check_model(gpt)
    weights = {}
    for name, array in _arrays(gpt.model):
        weights[name] = array.astype(np.float16)
        if not np.array_equal(weights[name].astype(np.float32), array):
            remedy = "Call round_weights(gpt) first, so that Python and the page compute with the same numbers."
            raise fail("weights that float16 holds exactly", f"others in {name}", remedy)
    config = {name: getattr(gpt.model.config, name, None) for name in _USED}
    config["eos_token_id"] = sorted(gpt.end_ids)
    return ModelFiles(gpt.name, config, _tokenizer(gpt), save(weights))


def check_model(gpt: Any) -> None:
    """Raises GPTVizError for a model that a page cannot run; see `model_files`."""
    config = getattr(getattr(gpt, "model", None), "config", None)
    for name, values in _SUPPORTED.items():
        value = getattr(config, name, None)
        if value not in values:
            raise fail(f"a GPT-2 with {name} {values[0]}", f"{gpt.name} with {value}", _PYTHON_CAN)
    count = sum(array.size for _, array in _arrays(gpt.model))
    if count > MOST_PARAMETERS:
        expected = f"a model of at most {MOST_PARAMETERS:,} parameters, which fit into one page"
        raise fail(expected, f"{gpt.name} with {count:,}", _PYTHON_CAN)
    _check_tokenizer(_tokenizer(gpt))


def round_weights(gpt: Any) -> float:
    """Rounds the model's weights to float16, in place; returns the largest change. Raises GPTVizError if one is too large."""
    largest = 0.0
    for name, parameter in gpt.model.named_parameters():
        if float(parameter.detach().abs().max()) > LARGEST:
            raise fail("weights of at most 65,504, where float16 ends", f"larger ones in {name}", _PYTHON_CAN)
        rounded = parameter.detach().half().to(parameter.dtype)
        change = float((rounded - parameter.detach()).abs().max())
        if change:
            parameter.data.copy_(rounded)
        largest = max(largest, change)
    return largest


def _arrays(model: Any) -> list[tuple[str, np.ndarray]]:
    """Returns the weights that the engine reads, by their names; those of tied embeddings once."""
    is_tied = model.config.tie_word_embeddings
    return [
        (name, tensor.detach().float().cpu().numpy())
        for name, tensor in model.state_dict().items()
        if not name.endswith((".attn.bias", ".attn.masked_bias")) and not (is_tied and name == "lm_head.weight")
    ]


def _tokenizer(gpt: Any) -> dict[str, Any]:
    backend = getattr(gpt.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise _other_tokenizer()
    parsed: dict[str, Any] = json.loads(backend.to_str())
    return parsed


def _check_tokenizer(file: dict[str, Any]) -> None:
    """Raises GPTVizError for a tokenizer that `engine/tokenizer.js` does not have."""
    model, cut, decoder = file["model"], file["pre_tokenizer"] or {}, file["decoder"] or {}
    byte_level = cut.get("type") == decoder.get("type") == "ByteLevel" and cut.get("use_regex") is not False
    others = (
        "unk_token",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "dropout",
        "byte_fallback",
        "ignore_merges",
    )
    strange = any(model.get(name) for name in others) or any(
        token[name] for token in file["added_tokens"] for name in ("single_word", "lstrip", "rstrip")
    )
    if model["type"] != "BPE" or not byte_level or cut.get("add_prefix_space") or file["normalizer"] or strange:
        raise _other_tokenizer()


def _other_tokenizer() -> GPTVizError:
    return fail("a byte-level BPE tokenizer as GPT-2 has", "another kind", _PYTHON_CAN)
