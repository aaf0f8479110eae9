"""Random numbers that are the same in Python and in JavaScript, on every machine: Philox4x32-10.

Philox is a counter-based random number generator: a fixed function of a counter and a key, without a state. The key is
the seed, and the counter says which draw is meant. So draw 7 of choice 2 needs none of the draws before it, and a seed
gives the same text in the kernel and in the page. `widgets/sampling/philox.js` has the same function.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Its library Random123
publishes the known-answer vectors that the tests use. Not for cryptography.
"""

from collections.abc import Sequence

import numpy as np

from gptviz.checks import check_index, check_whole_number, short
from gptviz.errors import OutOfRange, fail

SEED_LIMIT = 2**53  # a JavaScript number holds every integer below this exactly

_WORD = 0xFFFFFFFF
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85  # golden ratio and sqrt(3) - 1, as 32-bit fractions


def philox4x32(counter: Sequence, key: Sequence) -> tuple:
    """Runs the ten rounds: four counter words and two key words give four random words, all in [0, 2**32).

    Words are Python integers, or `uint64` arrays that broadcast, for many draws at once.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        left, right = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]  # below 2**64: no overflow in uint64
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & _WORD, (left >> 32) ^ c3 ^ k1, left & _WORD
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def uniform(seed: int, choice: int = 0, step: int = 0, draw: int | np.ndarray = 0):
    """Returns a number in [0, 1) with 53 random bits for one draw, or an array of them for an array `draw`.

    seed in [0, 2**53); choice, step and draw in [0, 2**32). The counter is (step, choice, draw, 0).
    """
    seed = check_seed(seed)
    choice, step = _check_word(choice, "choice"), _check_word(step, "step")
    draw = draw.astype(np.uint64) if isinstance(draw, np.ndarray) else _check_word(draw, "draw")
    w0, w1, _, _ = philox4x32((step, choice, draw, 0), (seed & _WORD, seed >> 32))
    return ((w0 >> 5) * 2.0**26 + (w1 >> 6)) / 2.0**53


def _check_word(value: int, name: str) -> int:
    """Returns `value` as a word of the counter. Raises WrongType if it is not whole, OutOfRange outside [0, 2**32)."""
    word = check_index(value, None, name)
    if word > _WORD:
        raise fail(f"a {name} from 0 to {_WORD}", short(word), "The generator counts in words of 32 bits.", OutOfRange)
    return word


def check_seed(seed: int) -> int:
    """Returns the seed as a Python integer. Raises WrongType if it is not whole, GPTVizError outside [0, 2**53)."""
    seed = check_whole_number(seed, "seed", "For example seed=1.")
    if not 0 <= seed < SEED_LIMIT:
        raise fail(
            f"a seed from 0 to {SEED_LIMIT - 1}",
            short(seed),
            "JavaScript represents whole numbers exactly only below 2**53.",
        )
    return seed
