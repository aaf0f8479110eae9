"""The settings of a run, checked before anything is trained."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from gptviz.checks import check_choice, check_count, check_number, did_you_mean, short
from gptviz.errors import GPTVizError, WrongType, fail
from gptviz.sampling import check_seed

METHODS = ("full", "lora")
OPTIMIZERS = ("adamw", "sgd", "muon")
_MOST = {"steps": 1_000_000_000, "batch": 1_000_000, "rank": 1_000_000, "keep": 1_000_000_000}


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
        for name, most in _MOST.items():
            object.__setattr__(self, name, check_count(getattr(self, name), name, most=most))
        object.__setattr__(self, "seed", check_seed(self.seed))
        check_choice(self.method, METHODS, "method")
        check_choice(self.optimizer, OPTIMIZERS, "optimizer")
        rate = check_number(self.learning_rate, "learning_rate", "For example learning_rate=0.001.", above=0)
        object.__setattr__(self, "learning_rate", rate)
        if (self.method, self.optimizer) == ("lora", "muon"):
            remedy = 'Muon is for whole matrices: write method="full" with it.'
            raise fail('optimizer="adamw" or "sgd" with method="lora"', 'optimizer="muon"', remedy)

    def changed(self, settings: dict[str, Any], others: Iterable[str] = ()) -> "Settings":
        """Returns these settings with some changed. others: names beside them, for the advice about an unknown name.

        Raises WrongType for a name that is no setting, and for one that does not apply.
        """
        names = [field.name for field in fields(self)]
        known = dict.fromkeys([*names, *others])
        for name in settings:
            if name not in names:
                raise fail(f"settings among {', '.join(known)}", name, did_you_mean(name, known), WrongType)
        result = replace(self, **settings)
        if "rank" in settings and result.method == "full":
            raise does_not_apply("rank", settings["rank"], 'method="full"', 'It is for adapters: method="lora".')
        return result


def does_not_apply(name: str, value: Any, beside: str, remedy: str) -> GPTVizError:
    """Returns the error about an argument that has no effect. beside: what it was given together with."""
    return fail(f"no {name} with {beside}", f"{name}={short(value)}", remedy, WrongType)
