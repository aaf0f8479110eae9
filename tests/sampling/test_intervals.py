"""Wilson intervals: against published ones, and against the definition by which they are made."""

import numpy as np
import pytest
from close import assert_close
from shown import half_of_decimal

from gptviz.errors import GPTVizError
from gptviz.sampling import wilson

# Newcombe 1998, "Two-sided confidence intervals for the single proportion", Table I, method 3
PUBLISHED = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0, 0.1611), (1, 29): (0.0061, 0.1718)}


def test_intervals_are_the_published_ones():
    ends = wilson(*np.transpose(list(PUBLISHED)))
    np.testing.assert_allclose(np.transpose(ends), list(PUBLISHED.values()), atol=half_of_decimal(4))


@pytest.mark.parametrize(("k", "n", "z"), [(3, 10, 1.96), (7, 7, 1.96), (0, 4, 2.58), (50, 100, 1)])
def test_the_ends_are_the_rates_that_just_fit(k, n, z):
    """At an end other than 0 and 1, the share is z standard errors away; the roots of (k/n - p)² = z² p (1 - p) / n."""
    low, high = wilson(k, n, z)
    roots = np.sort(np.roots([1 + z**2 / n, -2 * k / n - z**2 / n, (k / n) ** 2]).real)
    assert_close([low, high], roots, dtype=np.float64)
    assert 0 <= low <= k / n <= high <= 1
    assert (low == 0) == (k == 0) and (high == 1) == (k == n)


def test_without_a_trial_every_rate_fits():
    assert [end.tolist() for end in wilson([0, 0], [0, 5])] == [[0, 0], [1, wilson(0, 5)[1]]]


@pytest.mark.parametrize(("k", "n", "z"), [(-1, 3, 1), (4, 3, 1), (1, 3, 0), (np.nan, 3, 1), (1, np.inf, 1)])
def test_what_are_no_counts_is_refused(k, n, z):
    with pytest.raises(GPTVizError, match="successes"):
        wilson(k, n, z)
