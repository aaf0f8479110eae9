"""A small random model of every family in transformers' list of causal language models, built without a list of our own.

A family is a key of `MODEL_FOR_CAUSAL_LM_MAPPING_NAMES`. Its configuration class says which settings it has; `SIZES` gives
those of them that are sizes a small value, by their common names. Kinds of layers are those that the class itself chooses
for a full-size model, each at least once. `EXCEPTIONS` has the few families whose settings depend on one another. Sizes
are asymmetric, as in `families.py`.
"""

import zlib
from dataclasses import fields
from itertools import cycle, islice
from typing import Any

import torch
from families import END, START, VOCAB, randomise
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

LAYERS, HEADS, WIDTH = 3, 4, 24
LARGEST = 4_000_000  # parameters; a family that stays larger is not small


def _named(value: Any, names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), value)


SIZES: dict[str, Any] = (
    _named(VOCAB, "vocab_size vocab_size_per_layer_input decoder_vocab_size audio_vocab_size")
    | _named(VOCAB - 4, "unpadded_vocab_size")
    | {"bos_token_id": START, "eos_token_id": END, "pad_token_id": 1}
    # Depth and width
    | _named(LAYERS, "num_hidden_layers n_layer n_layers num_layers decoder_layers encoder_layers num_decoder_layers")
    | _named(LAYERS, "num_encoder_layers num_global_layers depth")
    | _named(WIDTH, "hidden_size d_model n_embd emb_dim embedding_size backbone_hidden_size")
    | _named(WIDTH, "text_hidden_size out_hidden_size projection_hidden_dim projector_hidden_size output_proj_dims")
    | _named(16, "input_embedding_size output_embedding_size hidden_size_per_layer_input router_hidden_size")
    | _named(56, "intermediate_size n_inner ffn_dim decoder_ffn_dim encoder_ffn_dim dff dim_ff d_inner ffn_hidden_size")
    | _named(56, "feed_forward_size intermediate_size_mlp dense_intermediate_size prefix_dense_intermediate_size")
    # Heads
    | _named(HEADS, "num_attention_heads n_head n_heads num_heads attention_heads decoder_attention_heads")
    | _named(HEADS, "encoder_attention_heads num_decoder_attention_heads num_encoder_attention_heads")
    | _named(2, "num_key_value_heads num_kv_heads kv_n_heads swa_num_attention_heads")
    | _named(1, "swa_num_key_value_heads")
    | _named(8, "head_dim swa_head_dim")
    | _named(6, "attention_head_size dim_head kv_channels")
    | {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 6, "v_head_dim": 5}
    | {"rotary_dim": 4, "d_rel": 4, "rel_extent": 8}
    # What a query sees
    | _named(4, "sliding_window sliding_window_size window_size attention_window_size local_attention")
    | _named(4, "attention_chunk_size keep_window_size local_attention_window_len index_block_size")
    | {"index_topk": 3, "index_n_heads": 2, "index_head_dim": 8, "index_topk_blocks": 1, "index_local_blocks": 1}
    | {"is_decoder": True, "causal": True}
    # Positions
    | _named(64, "max_position_embeddings n_positions n_ctx max_seq_len max_target_positions max_source_positions")
    | _named(64, "context_length position_embedding_size num_position_embeddings")
    | {"position_bias_num_buckets": 16, "position_bias_max_distance": 32, "prompt_length": 4, "prompt_types": 4}
    # Experts
    | _named(4, "num_experts num_local_experts n_routed_experts moe_num_experts")
    | _named(2, "num_experts_per_tok moe_topk moe_k moe_top_k top_k_experts zero_expert_num")
    | _named(1, "n_group topk_group n_shared_experts num_shared_experts moe_num_shared_experts")
    | _named(1, "first_k_dense_replace num_dense_layers")
    | {"mlp_only_layers": [0]}
    | _named(32, "moe_intermediate_size expert_ffn_hidden_size")
    | _named(16, "shared_expert_intermediate_size shared_experts_intermediate_size shared_intermediate_size")
    | _named(16, "moe_shared_expert_intermediate_size")
    # Layers that are no attention, and layers among them that are
    | _named(2, "attn_layer_period expert_layer_period no_rope_layer_interval layer_group_size")
    | _named(1, "attn_layer_offset expert_layer_offset")
    | {"attn_layer_indices": [1]}
    | _named(8, "mamba_d_state state_size ssm_state_size mamba_chunk_size chunk_size block_size linear_head_dim")
    | _named(4, "mamba_n_heads mamba_num_heads linear_num_heads linear_num_value_heads")
    | _named(2, "n_mamba_heads linear_num_key_heads")
    | _named(1, "mamba_n_groups mamba_ngroups n_groups")
    | _named(6, "linear_key_head_dim linear_value_head_dim")
    | {"mamba_d_ssm": 48, "mamba_head_dim": 12, "adapter_rank": 4, "gated_norm_rank": 4}
    # Several streams, and layers that share keys and values
    | {"altup_num_inputs": 2, "laurel_rank": 4, "num_kv_shared_layers": 1, "hc_mult": 2, "hc_count": 2, "hc_lowrank": 8}
    | {"n_layers_per_attn_res_block": 2, "H_cycles": 2, "L_cycles": 1}
    # What a fault would hide behind if it were 1 or left out
    | {"residual_multiplier": 0.4, "embedding_multiplier": 3.0, "logits_scaling": 2.0, "attention_multiplier": 0.3}
    | {"logit_scale": 0.3, "lm_head_multiplier": 1.5, "attention_in_multiplier": 1.2, "attention_out_multiplier": 0.7}
    | {"ssm_in_multiplier": 1.1, "ssm_out_multiplier": 0.8, "key_multiplier": 0.9}
    | {"full_attn_alpha_factor": 1.5, "full_attn_beta_factor": 0.7, "linear_attn_alpha_factor": 1.3}
    | {"linear_attn_beta_factor": 0.8, "mlp_alpha_factor": 1.2, "mlp_beta_factor": 0.9}
    | _named(5.0, "final_logit_softcapping logits_soft_cap output_logit_soft_cap attn_logit_softcapping")
    | _named(True, "attention_bias mlp_bias use_qkv_bias lm_head_bias use_sliding_window")
    # Tables of families that embed more than tokens
    | _named(32, "pronunciation_vocab_size shape_vocab_size encoder_hash_byte_group_vocab")
    | _named(8, "pronunciation_embed_dim shape_embed_dim")
    # Parts that read pictures and sound
    | {"image_size": 8, "patch_size": 4, "num_centroids": 8, "centroid_intermediate_top_k": 2}
)

# Settings that `SIZES` cannot give, since they depend on another setting or choose what the class's default leaves out.
_CONVOLUTIONS = {"layer_types": ["conv", "full_attention", "conv"]}  # the default has attention alone
_GLOBAL_HEADS = {"global_head_dim": 12}  # an argument that is no field of the class
_EVEN_ROTATION = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.67}}
_SHARED_TWICE = {"layers_block_type": ["hybrid", "linear_attention", "hybrid"]}  # hybrid layers share their attention
EXCEPTIONS: dict[str, dict[str, Any]] = {
    "cohere_compass_text": {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 10_000.0}}},
    "deepseek_v4": {
        "compress_rates": {"compressed_sparse_attention": 4, "heavily_compressed_attention": 8},
        "partial_rotary_factor": 0.5, "o_groups": 2, "o_lora_rank": 8,
    },
    "dots3_note_text": {  # sizes of its sliding layers, which are no fields of the class
        "swa_num_attention_heads": 2, "swa_num_key_value_heads": 2, "swa_q_lora_rank": 8, "swa_kv_lora_rank": 8,
        "swa_head_dim": 10, "swa_qk_nope_head_dim": 6, "swa_v_head_dim": 5,
    },
    "gemma4_text": _GLOBAL_HEADS,
    "gemma4_unified_text": _GLOBAL_HEADS,
    "gpt_neo": {"attention_types": [[["global", "local", "global"], 1]]},
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention", "linear_attention"]},
    "helium": {"head_dim": 6},  # heads · head_dim is the width
    "laguna": {"num_attention_heads_per_layer": [4, 2, 4]},  # the default has as many in each layer
    "lfm2": _CONVOLUTIONS | {"block_auto_adjust_ff_dim": False},
    "lfm2_moe": _CONVOLUTIONS,
    "mamba2": {"head_dim": 12},  # num_heads · head_dim is twice the width
    "minimax_m3_vl_text": {"layer_types": ["minimax_m3_sparse", "full_attention", "minimax_m3_sparse"]},
    "persimmon": _EVEN_ROTATION,
    "phi": _EVEN_ROTATION,
    "qwen4_exp_text": {  # sizes of its sparse attention, which it has all or none of
        "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 8, "indexer_budget": 4, "indexer_compress_ratio": 2,
    },
    "reformer": {
        "attn_layers": ["local", "lsh", "local"], "axial_pos_shape": [8, 8], "axial_pos_embds_dim": [8, 16],
        "local_attn_chunk_length": 4, "lsh_attn_chunk_length": 4, "num_buckets": 2, "hash_seed": 0,
    },
    "xmod": {"default_language": "en_XX"},
    "zamba": _SHARED_TWICE,
    "zamba2": _SHARED_TWICE,
    "zaya": {"num_experts_per_tok": 1},  # the only number it takes
}  # fmt: skip
_LISTS_OF_KINDS = ("layer_types", "layers_block_type", "mlp_layer_types", "indexer_types")


class NotBuilt(Exception):
    """No small model of the family can be built here; the message is the reason."""


def families() -> tuple[str, ...]:
    """Returns the names of all families, sorted."""
    return tuple(sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES))


def class_name(family: str) -> str:
    """Returns the name of the family's class of causal language models."""
    return MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[family]


def build(family: str, **options: Any) -> Any:
    """Returns a small model with random weights, in evaluation mode and without gradients; two calls give equal models.

    options reach `from_config`, such as attn_implementation=. Raises NotBuilt with the reason in words.
    """
    try:
        config = CONFIG_MAPPING[family](**_settings(CONFIG_MAPPING[family]) | EXCEPTIONS.get(family, {}))
        with torch.device("meta"):
            size = AutoModelForCausalLM.from_config(config).num_parameters()
        if size > LARGEST:
            raise NotBuilt(f"with small settings it still has {size:,} parameters")
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, **options).eval().requires_grad_(False)
    except ImportError as error:
        raise NotBuilt(f"it needs a library that is not installed: {one_line(error)}") from error
    except NotBuilt:
        raise
    except Exception as error:
        raise NotBuilt(f"small settings are not enough: {one_line(error)}") from error
    randomise(model, zlib.crc32(family.encode()))
    model.generation_config = GenerationConfig(pad_token_id=1, eos_token_id=END, bos_token_id=START)
    return model


def _settings(config: type[PreTrainedConfig]) -> dict[str, Any]:
    """Returns small values for the settings that a class of configurations has, and for those of its parts."""
    names = {field.name for field in fields(config)}  # type: ignore[arg-type]
    chosen = {name: value for name, value in SIZES.items() if name in names}
    if "qk_rope_head_dim" in names:  # latent attention: each head has keys of its own, and head_dim is what is rotated
        chosen |= {name: chosen[name] * 2 for name in ("num_key_value_heads",) if name in names}
        chosen |= {"head_dim": chosen["qk_rope_head_dim"]} if "head_dim" in names else {}
    if lists := names.intersection(_LISTS_OF_KINDS):
        full_size = config(**{name: True for name in ("use_sliding_window",) if name in names})
        chosen |= {name: _each_kind(getattr(full_size, name)) for name in lists if getattr(full_size, name)}
    for name, part in config.sub_configs_defaults.items():
        chosen[name] = _part(part)
    return chosen


def _each_kind(kinds: list[str]) -> list[str]:
    """Returns one kind for each layer, each of `kinds` in turn."""
    different = list(dict.fromkeys(kinds))
    return list(islice(cycle(different), max(LAYERS, len(different))))


def _part(part: Any) -> PreTrainedConfig:
    """Returns a small configuration of a part of a model. part: its class, or what names its class."""
    config = getattr(part, "config_class", part)
    if not issubclass(config, PreTrainedConfig):
        config = CONFIG_MAPPING[part.model_type]
    return config(**_settings(config))


def one_line(error: Exception) -> str:
    """Returns an error's kind and the beginning of its text, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
