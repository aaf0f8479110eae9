"""A learner: a copy of a model that an optimizer changes, step by step, until the loss of a task is smaller.

It trains in evaluation mode, without dropout, so that a seed gives the same losses and a step can be checked by hand.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gptviz.errors import NotAvailable, fail
from gptviz.training.adapters import adapter_state, add_adapters
from gptviz.training.settings import Settings

State = dict[str, Tensor]
Loss = Callable[[Any, int], Tensor]  # of a model and a step
TOO_FAST = "The learning rate is too large: fork the run from an earlier kept step, with a lower learning_rate."


class Learner:
    """A model in training. before: the model that it begins with, which stays as it is. loss: of a model at a step."""

    def __init__(self, before: nn.Module, loss: Loss, settings: Settings):
        self._loss, self._lora = loss, settings.method == "lora"
        if self._lora:
            model = _with_shared_weights(before).requires_grad_(False)
            self.model: Any = add_adapters(model, settings.rank, settings.seed)
        else:
            self.model = in_full_precision(before).requires_grad_(True)
        self.model.eval()
        self._read: Tensor | None = None  # the loss of the batch that was read and not learned yet
        self._is_defined = True  # whether the latest loss was a number
        trained = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        self._optimizers = make_optimizers(trained, settings)

    def read(self, step: int) -> Tensor:
        """Reads the batch of a step that comes next, and returns its loss. Raises GPTVizError if it is no number."""
        if self._read is None:
            self._read = self._checked(self._loss(self.model, step))
        return self._read

    def step(self, step: int) -> float:
        """Takes one step, and returns the loss before it. Raises GPTVizError, and changes nothing, if it is no number."""
        loss = self.read(step)
        self._read = None
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self._optimizers:
            optimizer.step()
        return float(loss.detach())

    def check(self, step: int) -> None:
        """Raises GPTVizError if the present weights give the batch of this step a loss that is no number.

        Where the loss of the next batch is known already, it says so, and nothing is computed.
        """
        if self._read is None and self._is_defined:
            with torch.no_grad():
                self._checked(self._loss(self.model, step))

    def _checked(self, loss: Tensor) -> Tensor:
        value = float(loss.detach())
        self._is_defined = math.isfinite(value)
        if not self._is_defined:
            raise fail("a loss that is a number", f"{value}", TOO_FAST)
        return loss

    def state(self) -> State:
        """Returns a copy of what the learner has learned, on the processor: its adapters, or all of its parameters.

        Raises GPTVizError if some of it is NaN or infinite, or if its loss is.
        """
        if not self._is_defined:
            raise fail("weights with which the loss is a number", "NaN or infinity", TOO_FAST)
        state = adapter_state(self.model) if self._lora else dict(self.model.named_parameters())
        for name, tensor in state.items():
            if not tensor.isfinite().all():
                raise fail("weights that are numbers", f"NaN or infinity in {name}", TOO_FAST)
        return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}


def in_full_precision(model: nn.Module) -> Any:
    """Returns a copy of a model with weights in float32, in which all of them are trained, whatever the model's dtype.

    Raises NotAvailable for a quantized model.
    """
    packed = next((name for name, p in model.named_parameters() if not p.is_floating_point()), None)
    if packed is not None:
        remedy = 'Load it without quantization, or use method="lora".'
        raise fail("floating-point weights", f"{packed}, which is quantized", remedy, NotAvailable)
    return copy.deepcopy(model).float()


def _with_shared_weights(model: nn.Module) -> Any:
    """Returns a copy of a model whose parameters are not copied, since no step will write to them."""
    return copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})


def make_optimizers(trained: list[tuple[str, Any]], settings: Settings) -> list[torch.optim.Optimizer]:
    """Creates the optimizers of the parameters with these names.

    "adamw": Loshchilov & Hutter 2019, here without weight decay. "sgd": plain gradient descent. "muon": Jordan et al. 2024,
    for the matrices between the token table and the output head, and AdamW for everything else.
    """
    rate, parameters = settings.learning_rate, [parameter for _, parameter in trained]
    if settings.optimizer == "sgd":
        return [torch.optim.SGD(parameters, lr=rate)]
    if settings.optimizer == "adamw":
        return [_adamw(parameters, rate)]
    if not hasattr(torch.optim, "Muon"):
        raise fail(
            "torch 2.9 or later for Muon", torch.__version__, 'Update torch, or use optimizer="adamw".', NotAvailable
        )
    matrices = [p for name, p in trained if p.ndim == 2 and not _is_table(name)]
    ids = {id(parameter) for parameter in matrices}
    muon = torch.optim.Muon(matrices, lr=MUON_RATE, weight_decay=0.0)
    return [muon, _adamw([p for p in parameters if id(p) not in ids], rate)]


MUON_RATE = 0.02  # Muon makes every step equally long, so its rate does not depend on AdamW's


def _adamw(parameters: list[Any], rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.0)


def _is_table(name: str) -> bool:
    return any(part in name for part in ("embed", "wte", "wpe", "lm_head"))
