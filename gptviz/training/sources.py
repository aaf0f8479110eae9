"""What a run can be pre-trained on: a synthetic language, a list of texts, or batches of token ids.

Each has the arguments of `pretrain` that say something about it. One that says nothing about it is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gptviz.checks import check_count, short
from gptviz.errors import WrongType, fail
from gptviz.model.requirements import check_tokenizer
from gptviz.text.encoding import encode
from gptviz.training.batches import Batch, whole
from gptviz.training.languages import LONGEST, Language, repeats
from gptviz.training.settings import does_not_apply
from gptviz.training.small_models import learn_tokenizer
from gptviz.training.tasks import (
    AS_IT_COMES,
    HELD_OUT_TEXTS,
    MakeTask,
    MeasureAll,
    generator_task,
    language_task,
    stream_task,
)
from gptviz.training.texts import check_list, naming

LENGTH, VOCABULARY = 64, 1024
_OF_A_LANGUAGE = {
    "length": "Give the language its length, for example data=gptviz.training.repeats(length=32).",
    "vocabulary": "A language has its own symbols, for example data=gptviz.training.repeats(symbols=16).",
    "tokenizer": "A language has a tokenizer of its own.",
    "held_out": "Other sequences of the language are measured.",
}
_OF_BATCHES = {
    "vocabulary": "The tokenizer has its own vocabulary.",
    "held_out": "To measure other texts, give a function of your own in measures.",
    "batch": AS_IT_COMES,
}
_OF_A_TOKENIZER = {"vocabulary": "The tokenizer has its own vocabulary."}


@dataclass(frozen=True)
class Source:
    """Where a pre-training begins. tokenizer, context (the most tokens that it reads): of the model."""

    tokenizer: Any
    context: int
    make_task: MakeTask


def source_of(data: Any, given: Mapping[str, Any], extra: MeasureAll | None) -> Source:
    """Returns the source of `pretrain`'s data. given: length, vocabulary, tokenizer, held_out, batch; None for what is not given.

    Raises WrongType for what is no data, and for an argument that does not apply to it.
    """
    data = repeats() if data is None else data
    if isinstance(data, Language):
        _refuse(given, "a synthetic language", _OF_A_LANGUAGE)
        return Source(data.tokenizer(), 2 * data.length, language_task(data, extra))
    if isinstance(data, str) or not isinstance(data, Iterable):
        expected = "a language, a list of texts, or batches and their tokenizer, as data"
        remedy = 'For example data=gptviz.training.repeats(), or data=["A text."].'
        remedy = 'Put the text into a list: data=["…"].' if isinstance(data, str) else remedy
        raise fail(expected, short(data), remedy, WrongType)
    length = check_count(LENGTH if given["length"] is None else given["length"], "length", least=2, most=LONGEST)
    if given["tokenizer"] is not None:
        check_tokenizer(given["tokenizer"])
        _refuse(given, "a tokenizer", _OF_A_TOKENIZER)
    if isinstance(data, Sequence):
        return _of_texts(data, length, given, extra)
    if given["tokenizer"] is None:
        remedy = "Give tokenizer= with a generator of batches, or a list of texts as data."
        raise fail("batches and their tokenizer", f"{type(data).__name__} as data and no tokenizer", remedy, WrongType)
    _refuse(given, "batches of token ids", _OF_BATCHES)
    return Source(given["tokenizer"], 2 * length, generator_task(data, length, extra))


def _refuse(given: Mapping[str, Any], beside: str, remedies: Mapping[str, str]) -> None:
    for name, remedy in remedies.items():
        if given[name] is not None:
            raise does_not_apply(name, given[name], beside, remedy)


def _of_texts(data: Sequence[Any], length: int, given: Mapping[str, Any], extra: MeasureAll | None) -> Source:
    texts, held_out = _checked(data, "data"), _checked(given["held_out"] or (), "held_out", least=0)
    tokenizer = given["tokenizer"]
    if tokenizer is None:
        tokenizer = learn_tokenizer(texts, VOCABULARY if given["vocabulary"] is None else given["vocabulary"])
    ids = _stream(tokenizer, texts, "data")
    if len(ids) < length:
        raise fail(f"at least {length} tokens of text", f"{len(ids)}", "Give more text, or a smaller length.")
    return Source(tokenizer, 2 * length, stream_task(ids, length, _held_out(tokenizer, held_out, length), extra))


def _checked(texts: Any, name: str, least: int = 1) -> Sequence[str]:
    """Returns a list of strings. Raises GPTVizError, which names the text, for anything else."""
    check_list(texts, name, least)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            remedy = "Give texts, or batches of token ids as an iterator with its tokenizer: data=iter(batches)."
            raise fail(f"a text as {name}[{i}]", f"{short(text)} ({type(text).__name__})", remedy, WrongType)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            got = f"a lone surrogate at {error.start}"
            raise fail(f"text that can be written in UTF-8 as {name}[{i}]", got, "Remove it.") from error
    return list(texts)


def _stream(tokenizer: Any, texts: Sequence[str], name: str) -> np.ndarray:
    """Returns the ids of texts that stand one after the other, with the tokenizer's end token between them if it has one."""
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    ids: list[int] = []
    for i, text in enumerate(texts):
        with naming(f"{name}[{i}]"):
            ids += [*encode(tokenizer, text, add_special_tokens=False)[0], *end]
    return np.array(ids, int)


def _held_out(tokenizer: Any, texts: Sequence[str], length: int) -> Batch | None:
    if not texts:
        return None
    ids = _stream(tokenizer, texts, "held_out")
    pieces = len(ids) // length
    if not pieces:
        raise fail(f"at least {length} tokens of held-out text", f"{len(ids)}", "Give more, or a smaller length.")
    chosen = np.linspace(0, pieces - 1, min(pieces, HELD_OUT_TEXTS)).astype(int)
    return whole(torch.tensor(ids[: pieces * length].reshape(pieces, length)[chosen]))
