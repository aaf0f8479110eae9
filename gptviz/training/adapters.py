"""Adapters: LoRA (Hu et al. 2021), which learns a change of low rank for each linear map and leaves the map as it is.

peft trains them. An adapter is two matrices a map, A (rank, in) and B (out, rank); the map becomes W + (alpha / rank) B A.
"""

import warnings
from typing import Any

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from gptviz.checks import short
from gptviz.errors import fail
from gptviz.training.random_numbers import random_numbers

SCALE = 2  # alpha / rank
_PREFIX = "base_model.model."  # of a name within peft's model
_A, _B = ".lora_A.weight", ".lora_B.weight"


def add_adapters(model: nn.Module, rank: int, seed: int) -> Any:
    """Puts adapters of a rank beside every linear map of the model but the output head; returns peft's model.

    The experts of a mixture are no linear maps of their own, but slices of one tensor: they get none. B is 0 at first, so
    that the model computes what it did. A is random, the same for the same seed. Raises GPTVizError for a rank that is
    larger than a side of one of these maps.
    """
    _check_rank(model, rank)
    from peft import LoraConfig, get_peft_model  # takes a second, which only this method needs

    names = list(_maps(model))  # peft's "all-linear" would take experts too, and name their adapters in other ways
    config = LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=names, task_type="CAUSAL_LM")
    with random_numbers(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what peft and transformers settle between them
        return get_peft_model(model, config)


def _check_rank(model: Any, rank: int) -> None:
    """Raises GPTVizError for a rank that is larger than a side of some map. A gate with one output does not count."""
    most = min((side for sides in _maps(model).values() if (side := min(sides)) > 1), default=rank)
    if rank > most:
        remedy = f"An adapter of rank {most} can already change the smallest matrix in every way."
        raise fail(f"a rank of at most {most} for this model", short(rank), remedy)


def _maps(model: Any) -> dict[str, tuple[int, int]]:
    """Returns each linear map but the output head, by its name in the model: how many numbers go in and come out."""
    head = model.get_output_embeddings()
    maps: dict[str, Any] = {
        name: module for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) and module is not head
    }  # fmt: skip
    return {  # the weight of a quantized map has another shape
        name: (one.in_features, one.out_features) if isinstance(one, nn.Linear) else tuple(one.weight.shape)
        for name, one in maps.items()
    }


def adapter_state(model: Any) -> dict[str, Tensor]:
    """Returns the adapters' matrices, by names such as "transformer.h.0.attn.c_attn.lora_A.weight"."""
    from peft import get_peft_model_state_dict  # here for the same reason

    # Otherwise peft looks each time whether the vocabulary is the published model's: in the network, for a model of the hub.
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}


def adapter_shapes(model: Any, rank: int) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the matrices of `adapter_state`, by their names."""
    maps = _maps(model).items()
    first: dict[str, tuple[int, ...]] = {name + _A: (rank, inputs) for name, (inputs, _) in maps}
    return first | {name + _B: (outputs, rank) for name, (_, outputs) in maps}


def merged(model: nn.Module, adapters: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights of the maps that adapters change, by the names of the model's parameters.

    model: without adapters. Computed in float32, W + (alpha / rank) B A, and stored in the dtype of W.
    """
    weights = {}
    for name in adapters:
        if name.endswith(_A):
            name_of_map = name.removesuffix(_A)
            module = model.get_submodule(name_of_map)
            weight: Any = module.weight
            change = SCALE * (adapters[name_of_map + _B].float() @ adapters[name].float())
            change = change if isinstance(module, nn.Linear) else change.T  # GPT-2's Conv1D stores (in, out)
            weights[f"{name_of_map}.weight"] = (weight.float() + change.to(weight.device)).to(weight.dtype)
    return weights
