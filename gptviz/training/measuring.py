"""What is measured of the model at each kept step."""

from collections.abc import Callable, Mapping

import numpy as np

from gptviz.checks import as_number, described, short
from gptviz.errors import WrongType, fail
from gptviz.gpt import GPT
from gptviz.lens.roles import role_scores
from gptviz.training.batches import Batch
from gptviz.training.learner import State
from gptviz.training.losses import next_token_loss
from gptviz.training.states import copy_of, load_weights, weights_of

Measure = Callable[[GPT], float]
BUILT_IN = ("held_out", "accuracy", "induction", "previous")  # see `on_batch` and `roles`


class Measuring:
    """Measures kept states in a model of its own, so that neither the learner nor the model before is touched."""

    def __init__(self, before: GPT, measures: Callable[[GPT], dict[str, float]] | None, method: str):
        self._before, self._measures, self._method = before, measures, method
        self._gpt = None if measures is None else copy_of(before)

    def __call__(self, state: State) -> dict[str, float]:
        if self._gpt is None or self._measures is None:
            return {}
        load_weights(self._gpt, weights_of(self._before, state, self._method))
        return self._measures(self._gpt)


def all_of(*measures: Callable[[GPT], dict[str, float]] | None) -> Callable[[GPT], dict[str, float]] | None:
    """Returns the function that measures with each of these; None if there are none."""
    given = [measure for measure in measures if measure is not None]
    if not given:
        return None
    return lambda gpt: {name: value for measure in given for name, value in measure(gpt).items()}


def on_batch(batch: Batch) -> Callable[[GPT], dict[str, float]]:
    """Returns the function that measures a model on texts that it does not learn from.

    held_out: its mean loss in nats. accuracy: the share of the tokens that count that were the likeliest next ones.
    """

    def measure(gpt: GPT) -> dict[str, float]:
        with gpt.running():
            loss = float(next_token_loss(gpt.model, batch))
            likeliest = gpt.model(input_ids=batch.ids[:, :-1].to(gpt.device), use_cache=False).logits.argmax(-1).cpu()
        counts = batch.counts[:, 1:]
        return {"held_out": loss, "accuracy": float((likeliest == batch.ids[:, 1:])[counts].float().mean())}

    return measure


def roles(length: int) -> Callable[[GPT], dict[str, float]]:
    """Returns the function that measures the highest score of any head as an induction and as a previous-token head.

    length: of the texts that are learned. The scores are those of `lens.role_scores`, on random tokens that come again
    after a quarter of the length: long texts would ask for distances that no text had.
    """

    def measure(gpt: GPT) -> dict[str, float]:
        scores = role_scores(gpt, period=max(2, length // 4))
        return {role: _highest(scores[role]) for role in ("induction", "previous")}

    return measure


def _highest(scores: np.ndarray) -> float:
    return float(np.nanmax(scores)) if np.isfinite(scores).any() else float("nan")


def checked(measures: Mapping[str, Measure] | None) -> Callable[[GPT], dict[str, float]] | None:
    """Returns the function that measures with a user's functions, by name.

    Raises WrongType for what are none, and GPTVizError for a name that a built-in measure has.
    """
    if measures is None:
        return None
    if not isinstance(measures, Mapping) or not all(callable(measure) for measure in measures.values()):
        remedy = 'For example measures={"says Marzo": lambda gpt: gpt.trace("…").probabilities()[id]}.'
        raise fail("functions of a GPT, by name, as measures", short(measures), remedy, WrongType)
    given = {str(name): measure for name, measure in measures.items()}
    if taken := [name for name in given if name in BUILT_IN]:
        expected = f"measures with names other than {', '.join(BUILT_IN)}, which gptviz measures itself"
        raise fail(expected, short(taken[0]), f'Give it another name, such as "my {taken[0]}".')
    return (lambda gpt: {name: _measured(gpt, name, measure) for name, measure in given.items()}) if given else None


def _measured(gpt: GPT, name: str, measure: Measure) -> float:
    """Returns what a user's function says of a model. Raises GPTVizError, which names it, if it raises or says no number."""
    expected = f'a number from the measure "{name}"'
    try:
        value = measure(gpt)
    except Exception as error:
        raise fail(expected, described(error), "Try the function on a model: run.gpt, or the one handed in.") from error
    number = float(value) if isinstance(value, (bool, np.bool_)) else as_number(value)
    if number is None:
        got = f"{short(value)} ({type(value).__name__})"
        raise fail(expected, got, "A measure is a function of a GPT that returns one number.", WrongType)
    return number
