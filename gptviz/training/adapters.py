"""Adapters: LoRA (Hu et al. 2021), which learns a change of low rank for each linear map and leaves the map as it is.

peft trains them. An adapter is two matrices a map, A (rank, in) and B (out, rank); the map becomes W + (alpha / rank) B A.
"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

SCALE = 2  # alpha / rank
_PREFIX = "base_model.model."  # of a name within peft's model
_A, _B = ".lora_A.weight", ".lora_B.weight"


def add_adapters(model: nn.Module, rank: int, seed: int) -> Any:
    """Puts adapters of a rank beside every linear map of the model but the output head; returns peft's model.

    B is 0 at first, so that the model computes what it did. A is random, the same for the same seed.
    """
    from peft import LoraConfig, get_peft_model  # takes a second, which only this method needs

    config = LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what peft and transformers settle between them
        torch.manual_seed(seed)
        return get_peft_model(model, config)


def adapter_state(model: Any) -> dict[str, Tensor]:
    """Returns the adapters' matrices, by names such as "transformer.h.0.attn.c_attn.lora_A.weight"."""
    from peft import get_peft_model_state_dict

    return {name.removeprefix(_PREFIX): tensor for name, tensor in get_peft_model_state_dict(model).items()}


def merged(model: nn.Module, adapters: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights of the maps that adapters change, by the names of the model's parameters.

    model: without adapters. Computed in float32, W + (alpha / rank) B A, and stored in the dtype of W.
    """
    weights = {}
    for name in adapters:
        if name.endswith(_A):
            place = name.removesuffix(_A)
            module = model.get_submodule(place)
            weight: Any = module.weight
            change = SCALE * (adapters[place + _B].float() @ adapters[name].float())
            change = change if isinstance(module, nn.Linear) else change.T  # GPT-2's Conv1D stores (in, out)
            weights[f"{place}.weight"] = (weight.float() + change.to(weight.device)).to(weight.dtype)
    return weights
