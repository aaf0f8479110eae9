"""The three ways to start a run: from random weights, from a model and texts, from a model and preferences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from gptviz.checks import check_count
from gptviz.errors import WrongType, fail
from gptviz.gpt import GPT
from gptviz.training import measuring
from gptviz.training.batches import Batch, whole
from gptviz.training.languages import Language, repeats
from gptviz.training.measuring import Measure
from gptviz.training.run import Run
from gptviz.training.settings import Settings
from gptviz.training.small_models import Size, learn_tokenizer, random_model, shape_of
from gptviz.training.states import copy_of
from gptviz.training.tasks import (
    HELD_OUT_TEXTS,
    MakeTask,
    generator_task,
    language_task,
    preference_task,
    stream_task,
    texts_task,
)
from gptviz.training.texts import read_pairs, read_texts

Measures = Mapping[str, Measure] | None


def pretrain(
    size: Size = "tiny",
    data: "Language | Sequence[str] | Iterable[Any] | None" = None,
    steps: int = 1500,
    seed: int = 0,
    *,
    positions: str = "rotary",
    length: int = 64,
    vocabulary: int = 1024,
    tokenizer: Any = None,
    held_out: Sequence[str] = (),
    measures: Measures = None,
    **settings: Any,
) -> Run:
    """Trains a model from random weights, in a thread of its own, and returns the run.

    size: "tiny" (2 layers of 4 heads, 64 wide), "small" (4, 4, 128) or "medium" (6, 8, 256), or (layers, heads, width).
    data: a synthetic language; None for `repeats()`, with which an induction head forms. Or a list of texts, with a tokenizer
    that is learned from them, of at most `vocabulary` tokens, unless `tokenizer` is given; the texts stand one after the
    other, and pieces of `length` tokens are learned. Or a generator of batches, token ids (batch, tokens) of `tokenizer`.
    positions: "rotary" or "learned".
    held_out: texts that are measured and not learned. measures: functions of a GPT that return a number, by name, beside what is
    measured always: induction and previous, the highest score of any head; held_out and accuracy, on held-out text.
    settings: `learning_rate` (0.003), `batch` (32), `optimizer` ("adamw", "sgd", "muon"), `keep` (61); see `Settings`.

    Raises WrongType, OutOfRange or GPTVizError for what cannot be trained on.
    """
    chosen = Settings(steps=steps, seed=seed, keep=61).changed(settings)
    if chosen.method != "full":
        raise fail('method="full"', f'"{chosen.method}"', "Random weights must all be learned.")
    extra = measuring.checked(measures)
    data = repeats() if data is None else data
    if isinstance(data, Language):
        tokenizer, context, task = data.tokenizer(), 2 * data.length, language_task(data, extra)
    elif isinstance(data, Sequence) and not isinstance(data, str):
        length, context = check_count(length, "length"), 2 * length
        tokenizer, task = _text_task(data, length, vocabulary, tokenizer, held_out, extra)
    else:
        if isinstance(data, str) or not isinstance(data, Iterable) or tokenizer is None:
            got = "no tokenizer" if isinstance(data, Iterable) and not isinstance(data, str) else type(data).__name__
            remedy = "Give tokenizer= with a generator of batches."
            raise fail("a language, a list of texts, or batches and their tokenizer, as data", got, remedy, WrongType)
        context, task = 2 * check_count(length, "length"), generator_task(data, length, extra)
    name = size if isinstance(size, str) else "{} layers, {} heads, {} wide,".format(*shape_of(size))
    model = random_model(size, positions, len(tokenizer), context, chosen.seed)
    return Run(GPT(model, tokenizer, name=f"{name} {positions}"), task, chosen)


def _text_task(
    data: Sequence[Any], length: int, vocabulary: int, tokenizer: Any, held_out: Any, extra: Any
) -> tuple[Any, MakeTask]:
    """Returns the tokenizer and the task of a list of texts."""
    if not data or not all(isinstance(text, str) for text in data):
        got = next((f"{text!r:.60}" for text in data if not isinstance(text, str)), "none")
        raise fail("a list of texts", got, 'For example data=["A text.", "Another."].', WrongType)
    tokenizer = learn_tokenizer(data, check_count(vocabulary, "vocabulary")) if tokenizer is None else tokenizer
    ids = _stream(tokenizer, data)
    if len(ids) < length:
        raise fail(f"at least {length} tokens of text", f"{len(ids)}", "Give more text, or a smaller length.")
    return tokenizer, stream_task(ids, length, _held_out(tokenizer, held_out, length), extra)


def _stream(tokenizer: Any, texts: Sequence[str]) -> np.ndarray:
    """Returns the ids of texts that stand one after the other, with the tokenizer's end token between them if it has one."""
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return np.concatenate([[*tokenizer(text, add_special_tokens=False)["input_ids"], *end] for text in texts]).astype(
        int
    )


def _held_out(tokenizer: Any, texts: Sequence[str], length: int) -> Batch | None:
    if not texts:
        return None
    ids = _stream(tokenizer, texts)
    pieces = len(ids) // length
    if not pieces:
        raise fail(f"at least {length} tokens of held-out text", f"{len(ids)}", "Give more, or a smaller length.")
    chosen = np.linspace(0, pieces - 1, min(pieces, HELD_OUT_TEXTS)).astype(int)
    return whole(torch.tensor(ids[: pieces * length].reshape(pieces, length)[chosen]))


def finetune(
    gpt: GPT,
    texts: Sequence[Any],
    method: str = "lora",
    rank: int = 4,
    steps: int = 40,
    rehearse: Sequence[Any] = (),
    seed: int = 0,
    *,
    held_out: Sequence[Any] = (),
    measures: Measures = None,
    **settings: Any,
) -> Run:
    """Trains a copy of a model on texts, in a thread of its own, and returns the run. `gpt` itself stays as it is.

    texts: what to learn; chat messages too, of which the assistant's tokens alone count. method: "lora" (Hu et al. 2021;
    adapters of a rank beside every linear map, alpha = 2 rank) or "full" (all weights). rehearse: other texts of which each
    batch has as many, so that the model forgets less. held_out: texts that are measured and not learned. measures:
    functions of a GPT that return a number, by name. settings: `learning_rate` (0.005 for "lora", 0.0005 for "full"),
    `batch` (32), `optimizer`, `keep` (41); see `Settings`. It trains without dropout.

    Raises WrongType or GPTVizError for no texts, for one that is longer than the context, and for unknown settings.
    """
    rate = 5e-3 if method == "lora" else 5e-4
    given = {"method": method, "rank": rank, "seed": seed, "learning_rate": rate, **settings}
    chosen = Settings(steps=steps).changed(given)
    learned, rehearsed = read_texts(gpt, texts), read_texts(gpt, rehearse, "rehearse", least=0)
    unseen = read_texts(gpt, held_out, "held_out", least=0)
    return Run(copy_of(gpt), texts_task(learned, rehearsed, unseen, measuring.checked(measures)), chosen)


def prefer(
    gpt: GPT,
    pairs: Sequence[tuple[str, str, str]],
    beta: float = 0.1,
    steps: int = 40,
    seed: int = 0,
    *,
    method: str = "lora",
    rank: int = 4,
    measures: Measures = None,
    **settings: Any,
) -> Run:
    """Trains a copy of a model to prefer one answer to another, by DPO (Rafailov et al. 2023), and returns the run.

    pairs: (prompt, chosen, rejected) each. beta: how strongly the model is held near the one before, which is the
    reference. The log-probability of an answer is the sum over its own tokens. The loss is
    -log sigmoid(beta ((c - c_ref) - (r - r_ref))): log 2 at first. Other arguments: see `finetune`; `learning_rate` is 0.001
    for "lora", 0.0001 for "full".

    Raises WrongType or GPTVizError for what are no pairs, or a beta that is not above 0.
    """
    if isinstance(beta, bool) or not isinstance(beta, (int, float)) or not 0 < beta < float("inf"):
        raise fail("a number above 0 as beta", f"{beta!r:.60}", "For example beta=0.1.", WrongType)
    rate = 1e-3 if method == "lora" else 1e-4
    given = {"method": method, "rank": rank, "seed": seed, "learning_rate": rate, **settings}
    chosen = Settings(steps=steps).changed(given)
    answers = read_pairs(gpt, pairs)
    return Run(copy_of(gpt), preference_task(*answers, float(beta), measuring.checked(measures)), chosen)
