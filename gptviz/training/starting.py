"""The three ways to start a run: from random weights, from a model and texts, from a model and preferences."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from gptviz.checks import check_choice, check_number, short
from gptviz.errors import WrongType, fail
from gptviz.gpt import GPT
from gptviz.training import measuring
from gptviz.training.languages import Language
from gptviz.training.measuring import Measure
from gptviz.training.run import Run
from gptviz.training.settings import METHODS, Settings
from gptviz.training.small_models import Size, random_model, shape_of
from gptviz.training.sources import source_of
from gptviz.training.states import copy_of
from gptviz.training.tasks import preference_task, texts_task
from gptviz.training.texts import Pair, check_list, read_pairs, read_texts

Measures = Mapping[str, Measure] | None


def pretrain(
    size: Size = "tiny",
    data: "Language | Sequence[str] | Iterable[Any] | None" = None,
    steps: int = 1500,
    seed: int = 0,
    *,
    positions: str = "rotary",
    length: int | None = None,
    vocabulary: int | None = None,
    tokenizer: Any = None,
    held_out: Sequence[str] = (),
    measures: Measures = None,
    **settings: Any,
) -> Run:
    """Trains a model from random weights, in a thread of its own, and returns the run.

    size: "tiny" (2 layers of 4 heads, 64 wide), "small" (4, 4, 128) or "medium" (6, 8, 256), or (layers, heads, width).
    data: a synthetic language; None for `repeats()`, with which an induction head forms. Or a list of texts, with a tokenizer
    that is learned from them, of at most `vocabulary` tokens (1024), unless `tokenizer` is given; the texts stand one after
    the other, and pieces of `length` tokens (64) are learned. Or an iterator of batches, token ids (batch, tokens) of
    `tokenizer`; forks of the run take theirs from the same one. positions: "rotary" or "learned".
    held_out: texts that are measured and not learned. measures: functions of a GPT that return a number, by name, beside what is
    measured always: induction and previous, the highest score of any head; held_out and accuracy, on held-out text. Those
    four names are taken.
    settings: `learning_rate` (0.003), `batch` (32), `optimizer` ("adamw", "sgd", "muon"), `keep` (61); see `Settings`.

    Raises WrongType, OutOfRange or GPTVizError for what cannot be trained on, and for an argument that says nothing about
    the data, such as `length` with a language.
    """
    chosen = _settings(pretrain, Settings(steps=steps, seed=seed, keep=61), settings)
    if chosen.method != "full":
        raise fail('method="full"', f'"{chosen.method}"', "Random weights must all be learned.")
    check_list(held_out, "held_out", least=0)
    about_data = {"length": length, "vocabulary": vocabulary, "tokenizer": tokenizer, "held_out": held_out or None}
    source = source_of(data, about_data | {"batch": settings.get("batch")}, measuring.checked(measures))
    name = size if isinstance(size, str) else "{} layers, {} heads, {} wide,".format(*shape_of(size))
    model = random_model(size, positions, len(source.tokenizer), source.context, chosen.seed)
    return Run(GPT(model, source.tokenizer, name=f"{name} {positions}"), source.make_task, chosen)


def _settings(start: Callable[..., Run], settings: Settings, given: Mapping[str, Any]) -> Settings:
    """Returns settings with those that were given; the advice about an unknown name knows all arguments of `start`."""
    arguments = [name for name in inspect.signature(start).parameters if name != "settings"]
    return settings.changed(dict(given), arguments)


def finetune(
    gpt: GPT,
    texts: Sequence[Any],
    method: str = "lora",
    rank: int | None = None,
    steps: int = 40,
    rehearse: Sequence[Any] = (),
    seed: int = 0,
    *,
    held_out: Sequence[Any] = (),
    measures: Measures = None,
    **settings: Any,
) -> Run:
    """Trains a copy of a model on texts, in a thread of its own, and returns the run. `gpt` itself stays as it is.

    texts: what to learn; chat messages too, of which the assistant's answers alone count: the contents and what ends them,
    and not what the template writes before them to say who speaks. method: "lora" (Hu et al. 2021;
    adapters beside every linear map but the output head and the experts of a mixture, alpha = 2 rank) or "full" (all
    weights). rank: of the adapters; None for 4. rehearse: other texts of which each batch has as many, so that the model
    forgets less. held_out: texts that are measured and not learned. measures: functions of a GPT that return a number, by
    name (none of held_out, accuracy, induction, previous). settings: `learning_rate` (0.005 for "lora", 0.0005 for "full"),
    `batch` (32), `optimizer`, `keep` (41); see `Settings`. It trains without dropout.

    Raises WrongType or GPTVizError for no texts, for one that is longer than the context, and for settings that are unknown
    or do not apply, such as a rank with "full".
    """
    _check_gpt(gpt)
    given = _of_method(method, rank, {"lora": 5e-3, "full": 5e-4}) | settings
    chosen = _settings(finetune, Settings(steps, seed), given)
    learned, rehearsed = read_texts(gpt, texts), read_texts(gpt, rehearse, "rehearse", least=0)
    unseen = read_texts(gpt, held_out, "held_out", least=0)
    return Run(copy_of(gpt), texts_task(learned, rehearsed, unseen, measuring.checked(measures)), chosen)


def prefer(
    gpt: GPT,
    pairs: Sequence[Pair],
    beta: float = 0.1,
    steps: int = 40,
    seed: int = 0,
    *,
    method: str = "lora",
    rank: int | None = None,
    measures: Measures = None,
    **settings: Any,
) -> Run:
    """Trains a copy of a model to prefer one answer to another, by DPO (Rafailov et al. 2023), and returns the run.

    pairs: (prompt, chosen, rejected) each; the prompt may be chat messages, and both answers are then the assistant's next
    message. The model's template writes each as the whole chat with its answer, as `finetune` learns it, and not as the
    prompt that asks for an answer with the answer behind: some templates open an answer in another way than they write a
    given one. The answer and its end count. beta: how strongly the model is held near the reference, which is the
    model handed in, for the run and for all its forks. The log-probability of an answer is the sum over its own tokens. The
    loss is -log sigmoid(beta ((c - c_ref) - (r - r_ref))): log 2 at first. Other arguments: see `finetune`;
    `learning_rate` is 0.001 for "lora", 0.0001 for "full".

    Raises WrongType or GPTVizError for what are no pairs, a pair of equal answers, or a beta that is not above 0.
    """
    _check_gpt(gpt)
    beta = check_number(beta, "beta", "For example beta=0.1.", above=0)
    given = _of_method(method, rank, {"lora": 1e-3, "full": 1e-4}) | settings
    chosen = _settings(prefer, Settings(steps, seed), given)
    answers, before = read_pairs(gpt, pairs), copy_of(gpt)
    task = preference_task(before, *answers, beta, measuring.checked(measures), chosen.batch)
    return Run(before, task, chosen)


def _of_method(method: str, rank: int | None, rates: Mapping[str, float]) -> dict[str, Any]:
    """Returns the settings that follow from a method. rates: the learning rate of each."""
    rate = rates[check_choice(method, METHODS, "method")]
    given = {"method": method, "learning_rate": rate}
    return given if rank is None else given | {"rank": rank}


def _check_gpt(gpt: Any) -> None:
    """Raises WrongType for what is no GPT, and GPTVizError for one whose weights are no numbers."""
    if not isinstance(gpt, GPT):
        remedy = "gptviz.load(name) loads one, and gptviz.wrap(model, tokenizer) makes one of a model that you hold."
        if isinstance(gpt, str):
            remedy = f"Load the model first: gptviz.load({short(gpt)})."
        elif isinstance(gpt, nn.Module):
            remedy = "Wrap the model with its tokenizer: gptviz.wrap(model, tokenizer)."
        elif isinstance(gpt, Run):
            remedy = "Give the run's model: run.gpt, or run.at(step)."
        elif not getattr(gpt, "decoder_only", True):
            remedy = "Encoder-decoders cannot be trained here."
        got = type(gpt).__name__ if isinstance(gpt, nn.Module) else f"{short(gpt)} ({type(gpt).__name__})"
        raise fail("a GPT, the model to train", got, remedy, WrongType)
    if weight := gpt.undefined_weight():
        raise fail("a model whose weights are numbers", f"NaN or infinity in {weight}", "Load the model again.")
