"""The settings of a run, checked before anything is trained."""

from dataclasses import dataclass, fields, replace
from typing import Any

from gptviz.checks import check_count, did_you_mean
from gptviz.errors import WrongType, fail
from gptviz.sampling import check_seed

METHODS = ("full", "lora")
LARGEST_RATE = 1e38  # what float32 holds
OPTIMIZERS = ("adamw", "sgd", "muon")


@dataclass(frozen=True)
class Settings:
    """How a run trains.

    steps: how many steps, one batch each. seed: of the batches, and of weights that begin at random. learning_rate: of
    AdamW or gradient descent. batch: texts in a batch, at most. method: "full" changes all weights, "lora" learns adapters.
    rank: of the adapters. optimizer: "adamw", "sgd" or "muon". keep: how many steps are kept, at most, evenly spaced
    from the first to the last; fewer if they would need too much memory.
    """

    steps: int
    seed: int = 0
    learning_rate: float = 3e-3
    batch: int = 32
    method: str = "full"
    rank: int = 4
    optimizer: str = "adamw"
    keep: int = 41

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "rank", "keep"):
            object.__setattr__(self, name, check_count(getattr(self, name), name))
        object.__setattr__(self, "seed", check_seed(self.seed))
        _check_choice(self.method, METHODS, "method")
        _check_choice(self.optimizer, OPTIMIZERS, "optimizer")
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise fail("a number as learning_rate", f"{rate!r:.60}", "For example learning_rate=0.001.", WrongType)
        if not 0 < rate < LARGEST_RATE:
            raise fail(
                f"a learning_rate above 0 and below {LARGEST_RATE:g}", f"{rate}", "For example learning_rate=0.001."
            )

    def changed(self, settings: dict[str, Any]) -> "Settings":
        """Returns these settings with some changed. Raises WrongType for a name that is no setting."""
        names = [field.name for field in fields(self)]
        for name in settings:
            if name not in names:
                remedy = did_you_mean(name, names)
                raise fail(f"settings among {', '.join(names)}", name, remedy, WrongType)
        return replace(self, **settings)


def _check_choice(value: Any, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        remedy = did_you_mean(str(value), known, f"{known[0]} is one.")
        raise fail(f"a {what} among {', '.join(known)}", f"{value!r:.60}", remedy)
