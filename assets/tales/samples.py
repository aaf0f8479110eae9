"""What a task gives: a sample with a prompt and its answer, and the split by a hash of what was combined.

Every task draws from one large space of combinations (which names, which place, which thing). One combination in ten
is held out: training never sees it, evaluation asks about nothing else. The split is a stable hash, so that it needs
no list and never changes. Not here: the tasks themselves.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Sample:
    """One small text: `prompt` is what a reader types, `answer` what must come next, with its leading space.

    `rest` follows the answer in training only. Prompt and answer meet before a space or after a line's end, where no
    token straddles, so the answer's tokens are those of `answer` alone: to weight them in a loss, encode
    the three parts one by one and repeat each part's weight as often as it has tokens.
    """

    prompt: str
    answer: str
    rest: str = ""

    @property
    def text(self) -> str:
        return self.prompt + self.answer + self.rest


def is_held_out(*combination: str) -> bool:
    """Whether a combination is of the tenth that never occurs in training."""
    digest = hashlib.sha256("|".join(combination).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0


def combination(rng: Random, held: bool, choose: Callable[[Random], list[str]]) -> list[str]:
    """The first of the combinations drawn by `choose` that belongs to training, or to the held-out part."""
    while True:
        drawn = choose(rng)
        if is_held_out(*drawn) == held:
            return drawn


def typed(rng: Random, sample: Sample, shout: bool = False) -> Sample:
    """The sample as a hurried hand would type it: one in six begins small, or is small throughout, or (`shout`) large.

    An answer that stands in the prompt follows the prompt's letters, any other stays as it is.
    """
    fate, prompt = rng.random(), sample.prompt
    if fate < 0.06:
        return Sample(prompt[:1].lower() + prompt[1:], sample.answer, sample.rest)
    if fate < 0.14:
        answer = sample.answer.lower() if sample.answer.strip() in prompt else sample.answer
        return Sample(prompt.lower(), answer, sample.rest)
    if fate < 0.17 and shout:
        return Sample(prompt.upper(), sample.answer, sample.rest)
    return sample
