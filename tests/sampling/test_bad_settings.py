"""Settings, logits and seeds of a choice: numbers of any library are accepted, and others refused in words."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from gptviz import errors
from gptviz.checks import short
from gptviz.sampling.philox import check_seed, uniform
from gptviz.sampling.settings import Settings, check_settings
from gptviz.sampling.stages import distribution

REFUSED = [
    (dict(temperature=-0.1), ValueError, "0 or more"),
    (dict(temperature=math.nan), ValueError, "finite"),
    (dict(temperature=math.inf), ValueError, "finite"),
    (dict(temperature="hot"), TypeError, "number"),
    (dict(temperature=True), TypeError, "number"),
    (dict(temperature=None), TypeError, "number"),
    (dict(top_k=0), ValueError, "1 or more"),
    (dict(top_k=2.0), TypeError, "whole number"),
    (dict(top_k=True), TypeError, "whole number"),
    (dict(top_p=0.0), ValueError, "above 0"),
    (dict(top_p=1.01), ValueError, "at most 1"),
    (dict(top_p="0.9"), TypeError, "number"),
    (dict(top_p=math.nan), ValueError, "finite"),
    (dict(min_p=-0.01), ValueError, "from 0 to 1"),
    (dict(min_p=1.5), ValueError, "from 0 to 1"),
    (dict(min_p=False), TypeError, "number"),
    (dict(repetition_penalty=0), ValueError, "above 0"),
    (dict(repetition_penalty=-1.2), ValueError, "above 0"),
    (dict(repetition_penalty=None), TypeError, "number"),
    (dict(temperature=10**5000), ValueError, "a finite temperature"),
    (dict(repetition_penalty=-(10**5000)), ValueError, "a finite repetition_penalty"),
    (dict(top_k=-(10**5000)), ValueError, "1 or more"),
    (dict(top_k=torch.tensor(True)), TypeError, "whole number"),
    (dict(top_k=torch.tensor([2])), TypeError, "whole number"),
    (dict(top_p=np.complex64(0.5)), TypeError, "number"),
    (dict(temprature=0.5), TypeError, "Did you mean temperature"),
    (dict(beam_width=4), TypeError, "temperature, top_k, top_p, min_p, repetition_penalty"),
]


@pytest.mark.parametrize("wrong, kind, words", REFUSED, ids=short)
def test_bad_settings_are_refused_in_three_parts(wrong, kind, words):
    for refusing in (check_settings, lambda **settings: distribution([1.0, 2.0], **settings)):
        with pytest.raises(errors.GPTVizError, match=words) as caught:
            refusing(**wrong)
        assert isinstance(caught.value, kind)
        assert caught.value.expected and caught.value.got and caught.value.remedy


@pytest.mark.parametrize(
    "logits, previous, kind, words",
    [
        (np.zeros((2, 5)), None, ValueError, r"shape \(vocab,\)"),
        ([], None, ValueError, r"shape \(vocab,\)"),
        ([1.0, math.nan], None, ValueError, "nan at 1"),
        ([1.0, 2.0, math.inf], None, ValueError, "inf at 2"),
        ([-math.inf, -math.inf], None, ValueError, "at least one token"),
        (["a", "b"], None, TypeError, "real numbers"),
        ([True, False], None, TypeError, "real numbers"),
        ([[1.0], [1.0, 2.0]], None, TypeError, "NumPy can read"),
        (torch.zeros(3, dtype=torch.bfloat16), None, TypeError, "NumPy can read"),
        ([1.0, 2.0], [2], IndexError, "from 0 to 1"),
        ([1.0, 2.0], [-1], IndexError, "from 0 to 1"),
        ([1.0, 2.0], [0.0], TypeError, "whole numbers"),
        ([1.0, 2.0], [[0]], TypeError, r"shape \(T,\)"),
        ([1.0, 2.0], [[0], [0, 1]], TypeError, "NumPy can read"),
    ],
    ids=str,
)
def test_bad_logits_and_previous_ids_are_refused(logits, previous, kind, words):
    with pytest.raises(errors.GPTVizError, match=words) as caught:
        distribution(logits, previous)
    assert isinstance(caught.value, kind)


@pytest.mark.parametrize("make", [int, np.int64, np.array, torch.tensor])
def test_settings_and_seeds_are_numbers_of_any_library(make):
    expected = Settings(2.0, 2, 1.0, 1.0, 2.0)
    checked = check_settings(
        temperature=make(2), top_k=make(2), top_p=make(1), min_p=make(1), repetition_penalty=make(2)
    )
    assert checked == expected and [type(value) for value in checked] == [type(value) for value in expected]
    assert check_settings(temperature=Fraction(1, 2)).temperature == 0.5
    seed = check_seed(make(2))
    assert seed == 2 and type(seed) is int
    assert uniform(make(2)) == uniform(2)


BAD_SEEDS = [
    (-1, ValueError), (2**53, ValueError), (10**5000, ValueError), (-(10**5000), ValueError), (1.0, TypeError), (True, TypeError),
    (torch.tensor(1.0), TypeError), (torch.tensor(True), TypeError),
]  # fmt: skip


@pytest.mark.parametrize("seed, kind", BAD_SEEDS, ids=short)
def test_bad_seeds_are_refused(seed, kind):
    with pytest.raises(kind, match="seed"):
        distribution([1.0, 2.0]).draw(seed)
    with pytest.raises(kind, match="seed"):
        check_seed(seed)
