"""Tasks: what a run makes smaller, and what it measures on the way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gptviz.gpt import GPT
from gptviz.training import batches
from gptviz.training.batches import HELD_OUT, Batch, Text, filled
from gptviz.training.languages import Language
from gptviz.training.learner import Loss, in_full_precision
from gptviz.training.losses import answer_log_probabilities, next_token_loss, preference_loss
from gptviz.training.measuring import all_of, on_batch, roles
from gptviz.training.settings import Settings, does_not_apply

HELD_OUT_TEXTS = 64
AS_IT_COMES = "Each batch is as large as it comes."
AS_THEY_COME = "The batches are learned as they come."
EXAMPLE = 8  # tokens of a text that are shown as its beginning

MeasureAll = Callable[[GPT], dict[str, float]]


@dataclass(frozen=True)
class Task:
    """What a run trains on.

    loss: of a model at a step. measure: of a GPT, by name; None to measure nothing. example: the beginning of a text like
    those that are learned, or "". unused: settings that change nothing, each with what to do instead.
    """

    loss: Loss
    measure: MeasureAll | None
    example: str = ""
    unused: Mapping[str, str] = field(default_factory=dict)

    def check_settings(self, given: Mapping[str, Any]) -> None:
        """Raises WrongType if a setting that was given changes nothing."""
        for name, remedy in self.unused.items():
            if name in given:
                raise does_not_apply(name, given[name], "batches of token ids", remedy)


MakeTask = Callable[[GPT, Settings], Task]  # of the model before, and of the settings; a fork has others


def language_task(language: Language, extra: MeasureAll | None) -> MakeTask:
    """Makes the task of predicting the next token of a synthetic language."""

    def make(_before: GPT, settings: Settings) -> Task:
        held_out = batches.of_language(language, HELD_OUT_TEXTS, settings.seed)(HELD_OUT)
        batch = batches.of_language(language, settings.batch, settings.seed)
        return Task(_prediction(batch), all_of(on_batch(held_out), roles(language.length), extra), language.example)

    return make


def stream_task(ids: np.ndarray, length: int, held_out: Batch | None, extra: MeasureAll | None) -> MakeTask:
    """Makes the task of predicting the next token of texts that stand one after the other."""

    def make(before: GPT, settings: Settings) -> Task:
        of_held_out = None if held_out is None else on_batch(held_out)
        batch = batches.of_stream(ids, length, settings.batch, settings.seed)
        example = before.prompt_text(ids[:EXAMPLE].tolist())
        return Task(_prediction(batch), all_of(of_held_out, roles(length), extra), example)

    return make


def generator_task(given: Iterable[object], length: int, extra: MeasureAll | None) -> MakeTask:
    """Makes the task of predicting the next token in the batches of a user's iterator.

    A fork takes its batches from the same iterator, from where it stands: no batch is learned by both.
    """
    shared = batches.Shared(given)

    def make(before: GPT, settings: Settings) -> Task:
        batch = batches.of_generator(shared, before.vocab_size, before.context_length)
        unused = {"batch": AS_IT_COMES} | ({"seed": AS_THEY_COME} if settings.method == "full" else {})
        return Task(_prediction(batch), all_of(roles(length), extra), unused=unused)

    return make


def texts_task(
    texts: Sequence[Text], rehearse: Sequence[Text], held_out: Sequence[Text], extra: MeasureAll | None
) -> MakeTask:
    """Makes the task of predicting the tokens of some texts that count."""

    def make(before: GPT, settings: Settings) -> Task:
        of_held_out = on_batch(filled(held_out)) if held_out else None
        batch = batches.of_texts(texts, rehearse, settings.batch, settings.seed)
        return Task(_prediction(batch), all_of(of_held_out, extra), _beginning(before, texts[0]))

    return make


def preference_task(
    reference: GPT, chosen: Sequence[Text], rejected: Sequence[Text], beta: float, extra: MeasureAll | None, size: int
) -> MakeTask:
    """Makes the task of preferring the chosen answer of each pair. reference: a model; a fork has the same. size: of a batch.

    The reference computes with the precision of the model that is trained.
    """

    @cache
    def of_reference(method: str) -> list[Tensor]:
        is_precise = all(parameter.dtype == torch.float32 for parameter in reference.model.parameters())
        with reference.running():
            model = reference.model if method == "lora" or is_precise else in_full_precision(reference.model)
            return [_log_probabilities(model, texts, size) for texts in (chosen, rejected)]

    def make(gpt: GPT, settings: Settings) -> Task:
        before = of_reference(settings.method)

        def loss(model: Any, step: int) -> Tensor:
            pairs = batches.some(range(len(chosen)), settings.batch, batches.random_of(settings.seed, step))
            answers = [
                answer_log_probabilities(model, filled([texts[i] for i in pairs])) for texts in (chosen, rejected)
            ]
            return preference_loss(answers[0], answers[1], (before[0][pairs], before[1][pairs]), beta)

        return Task(loss, all_of(extra), _beginning(gpt, chosen[0]))

    return make


def _beginning(gpt: GPT, text: Text) -> str:
    """Returns the tokens before the first one that counts, or the first half of a text whose tokens all count."""
    counts = text.counts or ()
    first = next((i for i, counted in enumerate(counts) if counted), 0)
    return gpt.prompt_text(text.ids[: first or max(1, min(len(text.ids) // 2, EXAMPLE))])


def _prediction(batch: Callable[[int], Batch]) -> Loss:
    return lambda model, step: next_token_loss(model, batch(step))


def _log_probabilities(model: Any, texts: Sequence[Text], size: int) -> Tensor:
    parts = [texts[i : i + size] for i in range(0, len(texts), size)]
    return torch.cat([answer_log_probabilities(model, filled(part)).cpu() for part in parts])
