"""The Wilson score interval: which rates fit a count of successes. NumPy, float64."""

from typing import Any

import numpy as np

from gptviz.errors import fail

Z_95 = 1.959963984540054  # the standard normal distribution has 95 % of its weight within ± this


def wilson(successes: Any, trials: Any, z: float = Z_95) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest and the highest rate that fit a count, for each count: two arrays of the counts' shape.

    successes, trials: whole numbers, or arrays of them, with 0 <= successes <= trials. z: how many standard errors a rate may
    be away; the default gives 95 % intervals. A rate p fits if the share k / n differs from p by no more than z standard
    errors of that p, sqrt(p (1 - p) / n). So the ends never leave 0 to 1, k = 0 has an interval too, and without a trial
    every rate fits. Raises GPTVizError for other counts. Source: Wilson 1927, "Probable Inference, the Law of Succession,
    and Statistical Inference".
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if not ((k >= 0) & (k <= n) & np.isfinite(n)).all() or not z > 0:
        raise fail("0 <= successes <= trials, and z above 0", f"{k}, {n}, {z}", "Give counts, not shares.")
    middle = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / np.maximum(n, 1) + z**2 / 4)
    return np.where(k == 0, 0.0, middle - half), np.where(k == n, 1.0, middle + half)  # rounding would miss 0 and 1
