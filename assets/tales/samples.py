"""The result of a task (a sample with a prompt and its answer), and the split into training and held-out combinations.

Every task draws from one large set of combinations (which names, which place, which thing). One combination in ten is
held out: training never uses it, and evaluation uses no other. The split is a stable hash of the combination's words, so
that it needs no list and never changes. The tasks themselves are in other files.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Sample:
    """A short text in three parts.

    prompt: what a reader types. answer: what must come next, with its leading space. rest: what follows in training.
    Prompt and answer meet before a space or after the end of a line. No token spans that border, so the three parts can
    be encoded one by one, and the loss can give each part's tokens a weight of their own.
    """

    prompt: str
    answer: str
    rest: str = ""

    @property
    def text(self) -> str:
        return self.prompt + self.answer + self.rest


def is_held_out(*combination: str) -> bool:
    """Whether a combination belongs to the tenth that never occurs in training."""
    digest = hashlib.sha256("|".join(combination).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0


def combination(rng: Random, held: bool, choose: Callable[[Random], list[str]]) -> list[str]:
    """Draws with `choose` until a combination belongs to the held-out part (held) or to training, and returns it."""
    while True:
        drawn = choose(rng)
        if is_held_out(*drawn) == held:
            return drawn


def typed(rng: Random, sample: Sample, shout: bool = False) -> Sample:
    """Returns the sample as a careless person would type it.

    6 % begin with a small letter, 8 % are in small letters throughout, and with `shout` 3 % are in capitals. An answer
    that occurs in the prompt is put into small letters with it; any other stays as it is.
    """
    drawn, prompt = rng.random(), sample.prompt
    if drawn < 0.06:
        return Sample(prompt[:1].lower() + prompt[1:], sample.answer, sample.rest)
    if drawn < 0.14:
        answer = sample.answer.lower() if sample.answer.strip() in prompt else sample.answer
        return Sample(prompt.lower(), answer, sample.rest)
    if drawn < 0.17 and shout:
        return Sample(prompt.upper(), sample.answer, sample.rest)
    return sample
