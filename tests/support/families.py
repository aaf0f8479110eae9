"""Tiny models of many families with random weights, and a byte-level tokenizer: no test needs a download.

Sizes are asymmetric (heads ≠ layers, tokens ≠ width, kv heads < heads where the family groups them, heads wider or narrower
than width / heads where it allows that, a vocabulary longer than the tokenizer's), so that a transposition shows. Weights
are large enough that attention is far from flat, and biases and norms are random too, so that a missing one shows. Sliding
windows are shorter than the prompts. Nothing is written to disk.
"""

import zlib
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

START, END = 256, 257  # after the 256 bytes
VOCAB = 269  # the tokenizer has 264 tokens: the last rows of the table belong to no token
IDS = [72, 258, 31, 4, 201, 259, 72, 258, 119, 31, 260]  # T = 11, with a repeated pair
TEXT = "the déjà-vu of the thin owl 🦉"  # T = 27 with the tokenizer below

_IDS = {"vocab_size": VOCAB, "bos_token_id": START, "eos_token_id": END}
_COMMON = _IDS | {
    "hidden_size": 24, "intermediate_size": 56, "num_hidden_layers": 3, "num_attention_heads": 4,
    "max_position_embeddings": 64, "pad_token_id": None,
}  # fmt: skip
_GROUPED = _COMMON | {"num_key_value_heads": 2}
_WIDE = _GROUPED | {"head_dim": 10}  # 4 · 10 ≠ 24
_GPT2 = _IDS | {"n_embd": 24, "n_layer": 3, "n_head": 4, "n_inner": 56, "n_positions": 64}


@dataclass(frozen=True)
class Family:
    """One architecture with its settings, and what gptviz promises of it.

    config: class name and arguments of its configuration. route: how its maps are captured. blocks, attn, projection, down:
    where its list of blocks is, and in a block its attention, output projection and down projection ("" where the MLP
    is not one such map). positions: whether positions are added to the embedding. sums: the identities of the residual
    stream and of the heads must hold; elsewhere they hold or are refused with a message. multiplier: what a part is
    multiplied by on its way to the stream, None where a norm lies between.
    """

    config: str
    arguments: dict[str, Any]
    route: str = "interface"
    blocks: str = "model.layers"
    attn: str = "self_attn"
    projection: str = "o_proj"
    down: str = "mlp.down_proj"
    positions: bool = False
    sums: bool = False
    multiplier: float | None = 1.0
    kv_heads: int = 2
    d_head: int = 6
    traits: frozenset[str] = field(default=frozenset())  # "sinks", "window", "cap"


def _llama_like(config: str, arguments: dict[str, Any], **rest: Any) -> Family:
    return Family(config, arguments, d_head=arguments.get("head_dim", 6), **rest)


_GPT2_NAMES: dict[str, Any] = {
    "blocks": "transformer.h", "attn": "attn", "projection": "c_proj", "down": "mlp.c_proj", "kv_heads": 4,
}  # fmt: skip
_GPT2_LIKE: dict[str, Any] = _GPT2_NAMES | {"positions": True}
_NEOX: dict[str, Any] = {
    "blocks": "gpt_neox.layers", "attn": "attention", "projection": "dense", "down": "mlp.dense_4h_to_h", "kv_heads": 4,
}  # fmt: skip
_PHI: dict[str, Any] = {"projection": "dense", "down": "mlp.fc2"}
_ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
_PARTIAL = {"rope_parameters": _ROPE | {"partial_rotary_factor": 0.67}}
_SCALED = {
    "rope_type": "llama3", "rope_theta": 10_000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
_WINDOW = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
_GEMMA = _WIDE | _WINDOW | {"query_pre_attn_scalar": 7}
_OPT = _COMMON | {"ffn_dim": 56, "dropout": 0.0}
_OPT_NAMES: dict[str, Any] = {
    "blocks": "model.decoder.layers", "projection": "out_proj", "down": "fc2", "positions": True, "kv_heads": 4,
}  # fmt: skip
_MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 32}
_EAGER: dict[str, Any] = {"route": "eager", "kv_heads": 4}

REQUIRED = {
    "gpt2": Family("GPT2Config", _GPT2, sums=True, **_GPT2_LIKE),
    "llama": _llama_like("LlamaConfig", _WIDE | {"attention_bias": True, "mlp_bias": True}, sums=True),
    "qwen2": _llama_like("Qwen2Config", _GROUPED, sums=True),
    "qwen3": _llama_like("Qwen3Config", _WIDE, sums=True),
    "mistral": _llama_like("MistralConfig", _WIDE | {"sliding_window": 4}, sums=True, traits=frozenset({"window"})),
    "gemma2": _llama_like(
        "Gemma2Config",
        _GEMMA | {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0},
        sums=True,
        multiplier=None,
        traits=frozenset({"window", "cap"}),
    ),
    "gpt_neox": Family("GPTNeoXConfig", _COMMON | _PARTIAL, sums=True, **_NEOX),
    "phi": Family("PhiConfig", _GROUPED | _PARTIAL, sums=True, **_PHI),
    "gpt_oss": _llama_like(
        "GptOssConfig",
        _WIDE | _WINDOW | {"num_local_experts": 4, "num_experts_per_tok": 2, "rope_parameters": _ROPE},
        down="",
        traits=frozenset({"window", "sinks"}),
    ),
    "gpt_neo": Family(
        "GPTNeoConfig",
        _IDS
        | {"hidden_size": 24, "num_layers": 3, "num_heads": 4, "intermediate_size": 56, "max_position_embeddings": 64}
        | {"attention_types": [[["global", "local", "global"], 1]], "window_size": 4},
        **_EAGER | {"blocks": "transformer.h", "attn": "attn", "down": "mlp.c_proj", "positions": True},
    ),
    "bloom": Family(
        "BloomConfig",
        _IDS | {"hidden_size": 24, "n_layer": 3, "n_head": 4},
        **_EAGER | {"blocks": "transformer.h", "attn": "self_attention", "down": "mlp.dense_4h_to_h"},
    ),
}

EXTRAS = {
    "gpt2_by_layer": Family(
        "GPT2Config", _GPT2 | {"scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False}, **_GPT2_LIKE
    ),
    "gpt2_upcast": Family("GPT2Config", _GPT2 | {"reorder_and_upcast_attn": True}, **_GPT2_LIKE),
    "llama_scaled": _llama_like("LlamaConfig", _GROUPED | {"rope_parameters": _SCALED, "tie_word_embeddings": True}),
    "gpt_neox_serial": Family("GPTNeoXConfig", _COMMON | {"use_parallel_residual": False}, **_NEOX),
    "phi_qk_norm": Family("PhiConfig", _GROUPED | _PARTIAL | {"qk_layernorm": True}, **_PHI),
    "phi3": _llama_like("Phi3Config", _GROUPED | {"sliding_window": 4}, traits=frozenset({"window"})),
    "opt": Family("OPTConfig", _OPT, **_OPT_NAMES),
    "opt_post_norm": Family(
        "OPTConfig", _OPT | {"do_layer_norm_before": False, "word_embed_proj_dim": 16}, **_OPT_NAMES
    ),
    "gemma3": _llama_like("Gemma3TextConfig", _GEMMA, multiplier=None, traits=frozenset({"window"})),
    "cohere": _llama_like("CohereConfig", _GROUPED | {"logit_scale": 0.3}),
    "cohere2": _llama_like("Cohere2Config", _GROUPED | _WINDOW | {"logit_scale": 0.3}, traits=frozenset({"window"})),
    "granite": _llama_like(
        "GraniteConfig",
        _GROUPED
        | {"embedding_multiplier": 3.0, "residual_multiplier": 0.4, "attention_multiplier": 0.3, "logits_scaling": 2.0},
        multiplier=0.4,
    ),
    "olmo2": _llama_like("Olmo2Config", _GROUPED, multiplier=None),
    "glm4": _llama_like(
        "Glm4Config", _WIDE | {"rope_parameters": _ROPE | {"partial_rotary_factor": 0.4}}, multiplier=None
    ),
    "smollm3": _llama_like("SmolLM3Config", _GROUPED | {"no_rope_layers": [1, 0, 1]}),
    "starcoder2": _llama_like("Starcoder2Config", _GROUPED, down="mlp.c_proj"),
    "stablelm": _llama_like(
        "StableLmConfig", _GROUPED | _PARTIAL | {"use_parallel_residual": True, "use_qkv_bias": True}
    ),
    "stablelm_serial": _llama_like("StableLmConfig", _GROUPED | _PARTIAL | {"qk_layernorm": True}),
    "gpt_bigcode": Family("GPTBigCodeConfig", _GPT2, **_GPT2_LIKE | {"kv_heads": 1}),
    "biogpt": Family("BioGptConfig", _COMMON, **_OPT_NAMES | {"blocks": "biogpt.layers"}),
    "mixtral": _llama_like("MixtralConfig", _GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2}, down=""),
    "qwen3_moe": _llama_like("Qwen3MoeConfig", _WIDE | _MOE | {"num_experts": 4}, down=""),
    "falcon": Family(
        "FalconConfig",
        _COMMON | {"num_kv_heads": 2, "new_decoder_architecture": True, "bias": True},
        **_EAGER | {"blocks": "transformer.h", "attn": "self_attention", "down": "mlp.dense_4h_to_h"},
    ),
    "gptj": Family("GPTJConfig", _GPT2 | {"rotary_dim": 4}, **_GPT2_NAMES | _EAGER | {"down": "mlp.fc_out"}),
    "codegen": Family("CodeGenConfig", _GPT2 | {"rotary_dim": 4}, **_GPT2_NAMES | _EAGER | {"down": "mlp.fc_out"}),
    "openai_gpt": Family("OpenAIGPTConfig", _GPT2, **_GPT2_NAMES | _EAGER | {"positions": True}),
    "xglm": Family(
        "XGLMConfig",
        _IDS | {"d_model": 24, "ffn_dim": 56, "num_layers": 3, "attention_heads": 4, "max_position_embeddings": 64},
        **_OPT_NAMES | {"route": "eager", "blocks": "model.layers"},
    ),
    "mpt": Family(
        "MptConfig",
        _IDS | {"d_model": 24, "n_heads": 4, "n_layers": 3, "max_seq_len": 64},
        **_EAGER | {"blocks": "transformer.blocks", "attn": "attn", "down": "ffn.down_proj"},
    ),
}

ALL = REQUIRED | EXTRAS


def build(name: str, *, context: int | None = None, **options: Any) -> Any:
    """Returns the family's causal LM, in evaluation mode and without gradients; two calls give two equal models.

    context: a context length in place of 64. options reach `AutoModelForCausalLM.from_config`: attn_implementation=,
    dtype=.
    """
    family = ALL[name]
    length = "n_positions" if "n_positions" in family.arguments else "max_position_embeddings"
    arguments = family.arguments | ({} if context is None else {length: context})
    config = getattr(transformers, family.config)(**arguments)
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, **options).eval().requires_grad_(False)
    randomise(model, zlib.crc32(name.encode()))
    return model


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Sets all weights to normal random numbers of deviation 0.3, around 1 for the scales of norms; drawn in float32."""
    draw = torch.Generator().manual_seed(seed)
    scales = {
        id(module.weight)
        for module in model.modules()
        if "Norm" in type(module).__name__ and getattr(module, "weight", None) is not None
    }
    for parameter in model.parameters():
        values = 0.3 * torch.randn(parameter.shape, generator=draw) + (id(parameter) in scales)
        parameter.data.copy_(values)


def tokenizer(start: bool = False) -> PreTrainedTokenizerFast:
    """Returns a tokenizer of all 256 bytes, a start and an end token and a few merges; with `start` it adds the start token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("Ġ", "t"), ("th", "e"), ("i", "n"), ("Ġt", "h"), ("Ġth", "e")]
    pieces = [*alphabet, "<s>", "</s>", *(a + b for a, b in merges)]
    backend = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    if start:
        backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", START)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", clean_up_tokenization_spaces=False
    )
