"""Batches: what a step of a run learns from. The batch of a step depends on the seed and the step alone.

So a run that was paused goes on as if it had not been, and a seed gives the same losses again. The batches of a generator
are taken as they come. B texts, T tokens.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from gptviz.checks import check_token_ids, described
from gptviz.errors import WrongType, fail
from gptviz.training.languages import Language

HELD_OUT = -1  # the step whose batch no run learns from
_Item = TypeVar("_Item")
_IGNORED = -100  # torch's mark of a target that does not count


@dataclass(frozen=True)
class Batch:
    """Texts that are read together.

    ids: token ids (B, T), shorter texts filled up at the right. counts: whether the loss of predicting a token counts, (B, T).
    """

    ids: Tensor
    counts: Tensor

    @property
    def targets(self) -> Tensor:
        """The token that follows each position, (B, T - 1); -100 where its loss does not count."""
        return self.ids[:, 1:].masked_fill(~self.counts[:, 1:], _IGNORED)


@dataclass(frozen=True)
class Text:
    """A text to learn. ids: its tokens. counts: for each token whether the loss of predicting it counts; None for all."""

    ids: Sequence[int]
    counts: Sequence[bool] | None = None


def filled(texts: Sequence[Text]) -> Batch:
    """Returns texts as one batch."""
    longest = max(len(text.ids) for text in texts)
    ids = torch.zeros(len(texts), longest, dtype=torch.long)
    counts = torch.zeros(len(texts), longest, dtype=torch.bool)
    for row, text in enumerate(texts):
        size = len(text.ids)
        ids[row, :size] = torch.tensor(text.ids)
        counts[row, :size] = True if text.counts is None else torch.tensor(text.counts)
    return Batch(ids, counts)


def of_language(language: Language, size: int, seed: int) -> Callable[[int], Batch]:
    """Returns the function that makes the batch of a step from a synthetic language."""

    def batch(step: int) -> Batch:
        return whole(language.make(size, generator_of(seed, step)))

    return batch


def of_texts(texts: Sequence[Text], rehearse: Sequence[Text], size: int, seed: int) -> Callable[[int], Batch]:
    """Returns the function that makes the batch of a step from texts: all of them, or `size` at random if there are more.

    rehearse: texts of which as many join each batch, so that what the model knows is not forgotten.
    """

    def batch(step: int) -> Batch:
        random = random_of(seed, step)
        chosen = some(texts, size, random)
        return filled([*chosen, *some(rehearse, len(chosen), random)])

    return batch


def some(items: Sequence[_Item], size: int, random: np.random.Generator) -> list[_Item]:
    """Returns all items, or `size` at random if there are more."""
    if len(items) <= size:
        return list(items)
    return [items[i] for i in random.choice(len(items), size, replace=False)]


def of_stream(ids: np.ndarray, length: int, size: int, seed: int) -> Callable[[int], Batch]:
    """Returns the function that cuts the batch of a step out of one long text. ids: its tokens. length: tokens in a piece."""

    def batch(step: int) -> Batch:
        random = random_of(seed, step)
        starts = random.integers(len(ids) - length + 1, size=size)
        return whole(torch.tensor(np.stack([ids[start : start + length] for start in starts]), dtype=torch.long))

    return batch


class Shared(Iterator[object]):
    """An iterator from which several runs take items at the same time. Each item goes to the run that asks for it first."""

    def __init__(self, items: Iterable[object]):
        self._items, self._lock = iter(items), threading.Lock()

    def __next__(self) -> object:
        with self._lock:  # Python refuses two threads in one generator
            return next(self._items)


def of_generator(batches: Iterator[object], vocabulary: int, longest: int | None) -> Callable[[int], Batch]:
    """Returns the function that takes the next batch of a user's generator, and keeps it as the batch of this step.

    Asked for the same step again, it returns the same batch. Raises WrongType or OutOfRange for what is no batch of token ids
    (B, T), and GPTVizError if the generator ends.
    """
    latest: dict[int, Batch] = {}

    def batch(step: int) -> Batch:
        if step not in latest:
            taken = take(step)
            latest.clear()
            latest[step] = taken
        return latest[step]

    def take(step: int) -> Batch:
        try:
            given = next(batches, None)
        except Exception as error:
            remedy = "Correct the generator, and start again with a new one."
            raise fail("a batch of token ids from the generator", described(error), remedy) from error
        if given is None:
            got = f"a generator that ended after {step}" if step else "a generator that gave no batch"
            remedy = f"Ask for at most {step} steps, or let the generator go on."
            remedy = remedy if step else "Give a new generator that yields batches: one that was used up gives none."
            raise fail("a batch of token ids for each step", got, remedy)
        try:
            ids = torch.as_tensor(given)
        except (TypeError, ValueError, RuntimeError):
            ids = torch.zeros(0)
        is_whole = not (ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool)
        if ids.ndim != 2 or not is_whole or ids.shape[1] < 2 or not len(ids):
            got = f"{type(given).__name__} of shape {tuple(ids.shape)}"
            raise fail(
                "whole numbers of shape (batch, tokens), at least 2 tokens", got, "Yield such arrays.", WrongType
            )
        if longest is not None and ids.shape[1] > longest:
            raise fail(
                f"at most {longest} tokens in a text",
                f"{ids.shape[1]}",
                "Yield shorter pieces, or give a larger length.",
            )
        check_token_ids(ids, vocabulary, "Yield ids of the run's tokenizer.")
        return whole(ids.long())

    return batch


def whole(ids: Tensor) -> Batch:
    """Returns a batch in which every token counts."""
    return Batch(ids, torch.ones_like(ids, dtype=torch.bool))


def random_of(seed: int, step: int) -> np.random.Generator:
    """Returns NumPy's random numbers of a step."""
    return np.random.default_rng((seed, step % 2**32))


def generator_of(seed: int, step: int) -> torch.Generator:
    """Returns torch's random numbers of a step."""
    mixed = np.random.SeedSequence((seed, step % 2**32)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(mixed[0] >> np.uint64(1)))
