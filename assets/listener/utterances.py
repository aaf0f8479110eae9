"""Draws what is said to the listener: one to four words of a list, by a voice, at a speed, in some noise.

Training never has the held-out voices, and of the sequences of two or more words it never has one in ten, which a hash
selects. What is held out has both: a voice that was never heard and a sequence that was never said.
"""

# ruff: noqa: SIM905 -- lists of words read better as one line of text

import hashlib
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from synthesiser import RATE, Synthesiser

WORDS = (
    "zero one two three four five six seven eight nine yes no stop go left right up down red blue green yellow black white "
    "house dog cat bird tree table door star water music hello please morning evening winter summer"
).split()
VOICES = (
    "en en+m1 en+m3 en+f1 en+f2 en-us en-us+m3 en-us+m7 en-us+f1 en-us+f4 en-gb-scotland en-gb-scotland+m4 en-gb-x-rp "
    "en-gb-x-rp+f2 en-029 en-029+m1 en-gb-x-gbclan en-gb-x-gbclan+f4"
).split()
HELD_VOICES = "en-us+m5 en+f3 en-gb-scotland+f5".split()
LONGEST = 3.0  # seconds
SPEEDS, PITCHES = (120, 200), (25, 75)
_MOST_SILENCE, _MOST_NOISE = 0.6, 0.03  # seconds before the first word; the loudest noise, as a standard deviation


class Spoken(NamedTuple):
    """words: what was said. samples: (n,), at RATE. starts: the second at which each word begins, and the end of the last."""

    words: tuple[str, ...]
    samples: np.ndarray
    starts: tuple[float, ...]


def is_held_out(words: Sequence[str]) -> bool:
    """Whether a sequence belongs to the tenth that training never has. One word alone never does."""
    digest = hashlib.sha256(" ".join(words).encode()).digest()
    return len(words) > 1 and int.from_bytes(digest[:4], "big") % 10 == 0


def draw(rng: Random, synthesiser: Synthesiser, held: bool = False) -> Spoken:
    """Draws words and lets them be spoken. held: a held-out sequence, by a held-out voice."""
    while True:
        words = draw_words(rng, held)
        voice = rng.choice(HELD_VOICES if held else VOICES)
        spoken = synthesiser.say(words, voice, rng.randint(*SPEEDS), rng.randint(*PITCHES))
        silence = rng.uniform(0.0, _MOST_SILENCE)
        if len(spoken.starts) == len(words) + 1 and silence + spoken.starts[-1] < LONGEST - 0.1:
            break
    samples = np.concatenate([np.zeros(int(silence * RATE), np.float32), spoken.samples]) * rng.uniform(0.3, 1.0)
    noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(len(samples)) * rng.uniform(0.0, _MOST_NOISE)
    starts = tuple(silence + start for start in spoken.starts)
    return Spoken(words, (samples + noise).clip(-1, 1).astype(np.float32), starts)


def draw_words(rng: Random, held: bool) -> tuple[str, ...]:
    """Draws a sequence for training or a held-out one."""
    while True:
        words = tuple(rng.choices(WORDS, k=rng.randint(1, 4)))
        if is_held_out(words) == held:
            return words
