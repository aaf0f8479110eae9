"""The state of a learner as weights of a model."""

import copy
from typing import Any

import torch

from gptviz.gpt import GPT
from gptviz.training.adapters import adapter_shapes, merged
from gptviz.training.learner import State
from gptviz.training.settings import Settings


def copy_of(gpt: GPT, name: str | None = None) -> GPT:
    """Returns a GPT of its own with the same weights."""
    with gpt.running():  # so that no pass has its hooks in the model meanwhile
        model = copy.deepcopy(gpt.model)
    copied = GPT(model.eval(), gpt.tokenizer, name=name or gpt.name)
    copied.end_ids = gpt.end_ids
    return copied


def weights_of(before: GPT, state: State, method: str) -> State:
    """Returns the weights that a state changes, by the names of the parameters of the model before."""
    return merged(before.model, state) if method == "lora" else state


def check_state(before: GPT, state: State, settings: Settings) -> None:
    """Raises ValueError unless a state that was read from a file fits the model before."""
    whole = {name: tuple(parameter.shape) for name, parameter in before.model.named_parameters()}
    expected = adapter_shapes(before.model, settings.rank) if settings.method == "lora" else whole
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if shapes != expected:
        name = sorted(shapes.items() ^ expected.items())[0][0]
        raise ValueError(f"{name} has the shape {shapes.get(name)} and not {expected.get(name)}")


def load_weights(gpt: GPT, weights: State, strength: float = 1.0) -> None:
    """Writes weights into a GPT, or moves its own towards them: 0 leaves them, 1 replaces them."""
    parameters: dict[str, Any] = dict(gpt.model.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            parameter = parameters[name]
            if strength == 1:
                parameter.copy_(weight)
            else:
                parameter.lerp_(weight.to(parameter), strength)
