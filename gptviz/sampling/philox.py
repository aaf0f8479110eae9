"""Random numbers that are the same in Python and in JavaScript, on every machine: Philox4x32-10.

Philox is a counter-based generator: a fixed scrambling of (counter, key), with no state to carry along. The
key is the seed and the counter says which draw is meant, so that draw 7 of choice 2 can be had without the
draws before it, and a seed gives the same text in the kernel and in the page.
`widgets/static/sampling_math.js` holds the same function.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; its library
Random123 publishes the known-answer vectors that the tests use. Not for cryptography, and not a stream with
a state.
"""

from collections.abc import Sequence
from numbers import Integral

import numpy as np

from gptviz.errors import OutOfRange, WrongType, fail

SEED_LIMIT = 2**53  # a JavaScript number holds every integer below this exactly

_WORD = 0xFFFFFFFF
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85  # golden ratio and sqrt(3) - 1, as 32-bit fractions


def philox4x32(counter: Sequence, key: Sequence) -> tuple:
    """The ten rounds: four counter words and two key words to four random words, all in [0, 2**32).

    The words are Python integers, or `uint64` arrays that broadcast, for many draws at once.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        left, right = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]  # below 2**64: no overflow in uint64
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & _WORD, (left >> 32) ^ c3 ^ k1, left & _WORD
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def uniform(seed: int, choice: int = 0, step: int = 0, draw: int | np.ndarray = 0):
    """A number in [0, 1) with 53 random bits, for one draw or, with an array `draw`, for many.

    seed in [0, 2**53); choice, step and draw in [0, 2**32). The counter is (step, choice, draw, 0).
    """
    seed = check_seed(seed)
    for name, word in (("choice", choice), ("step", step)):
        _check_word(name, word)
    if isinstance(draw, np.ndarray):
        draw = draw.astype(np.uint64)
    else:
        _check_word("draw", draw)
        draw = int(draw)
    w0, w1, _, _ = philox4x32((int(step), int(choice), draw, 0), (seed & _WORD, seed >> 32))
    return ((w0 >> 5) * 2.0**26 + (w1 >> 6)) / 2.0**53


def check_seed(seed: int) -> int:
    """The seed as a Python integer. Raises WrongType if it is none, GPTVizError outside [0, 2**53)."""
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise fail(
            "a whole number as seed",
            f"{seed!r}",
            "Any integer from 0 will do, for example seed=1.",
            WrongType,
        )
    if not 0 <= seed < SEED_LIMIT:
        raise fail(
            f"a seed from 0 to {SEED_LIMIT - 1}",
            f"{seed}",
            "Seeds stay below 2**53 so that the page, whose numbers are doubles, can hold every one.",
        )
    return int(seed)


def _check_word(name: str, word: int) -> None:
    if isinstance(word, bool) or not isinstance(word, Integral):
        raise fail(f"a whole number as {name}", f"{word!r}", f"The first {name} is 0.", WrongType)
    if not 0 <= word <= _WORD:
        raise fail(f"a {name} from 0 to {_WORD}", f"{word}", f"The first {name} is 0.", OutOfRange)
