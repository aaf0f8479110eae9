"""A training run of a fixed number of steps that can be stopped at any time and resumed, as if it had not been stopped.

That holds if the loss of a step depends on nothing but the weights and the step's number.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel


@dataclass(frozen=True)
class Settings:
    """steps: of the whole run. rate: the largest learning rate. warm_up: steps until then. every: steps between checkpoints."""

    steps: int
    rate: float
    warm_up: int
    every: int = 100
    weight_decay: float = 0.01

    def rate_at(self, step: int) -> float:
        """Returns the learning rate: it rises during the warm-up, and falls to 0 in a straight line over the whole run."""
        return self.rate * min((step + 1) / self.warm_up, (self.steps - step) / self.steps)


class Run:
    """A model, its optimizer (AdamW), the step and the log. It resumes if there is a checkpoint in its folder."""

    def __init__(self, model: PreTrainedModel, folder: Path, settings: Settings):
        self.model, self._settings = model, settings
        self._optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=settings.weight_decay)
        self.step, self.log = 0, []
        self._checkpoint = folder / "checkpoint.pt"
        folder.mkdir(parents=True, exist_ok=True)
        if self._checkpoint.exists():
            state = torch.load(self._checkpoint, weights_only=True)
            model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.step, self.log = state["step"], state["log"]

    @property
    def is_done(self) -> bool:
        return self.step == self._settings.steps

    def train(
        self, loss_of: Callable[[int], Tensor], validate: Callable[[], dict[str, Any]], minutes: float = float("inf")
    ) -> None:
        """Trains to the end of the run or of the time, and writes a checkpoint now and then and at the end.

        loss_of: returns the loss of a step. validate: returns what the log has for a step.
        """
        until = time.monotonic() + 60 * minutes
        with tqdm(initial=self.step, total=self._settings.steps, unit="step", mininterval=30) as bar:
            while not self.is_done and time.monotonic() < until:
                self._update(loss_of)
                bar.update()
                if self.step % self._settings.every == 0 or self.is_done:
                    self.model.eval()
                    self.log.append({"step": self.step, **validate()})
                    bar.set_postfix(self.log[-1])
                    self._save()
        self._save()
        if not self.is_done:
            print(f"stopped at step {self.step} of {self._settings.steps}: run the same command again")

    def _update(self, loss_of: Callable[[int], Tensor]) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.rate_at(self.step)
        self.model.train()
        loss_of(self.step).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1

    def _save(self) -> None:
        """Writes the checkpoint as a whole or not at all."""
        temporary = self._checkpoint.with_suffix(".tmp")
        state = {"model": self.model.state_dict(), "optimizer": self._optimizer.state_dict()}
        torch.save(state | {"step": self.step, "log": self.log}, temporary)
        os.replace(temporary, self._checkpoint)

    def export(self, folder: Path, reader: Any) -> None:
        """Writes the model as it ships: weights in half precision, a config that asks for float32, the log.

        reader: the tokenizer or the processor, which is written beside it.
        """
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            made = Path(temporary)
            self.model.half().save_pretrained(made)
            self.model.float()
            reader.save_pretrained(made)
            config = json.loads((made / "config.json").read_text())
            # Without this entry, transformers would compute in the half precision of the file.
            (made / "config.json").write_text(json.dumps(config | {"dtype": "float32"}, indent=2) + "\n")
            (made / "training.json").write_text(json.dumps(self.log).replace("}, {", "},\n {") + "\n")
            for file in made.iterdir():
                file.chmod(0o644)
                os.replace(file, folder / file.name)
