"""Checks of arguments: what passes, what is refused, and with which kind of error."""

import numpy as np
import pytest
import torch

from gptviz.checks import check_count, check_index, check_token_ids, did_you_mean, within_rounding
from gptviz.errors import GPTVizError, OutOfRange, WrongType


@pytest.mark.parametrize("value", [3, np.int64(3), np.array(3), torch.tensor(3)])
def test_whole_numbers_of_any_library_are_indices(value):
    for index in (check_index(value, 5, "layer"), check_index(value, None, "layer"), check_count(value, "k")):
        assert index == 3 and type(index) is int


def test_negative_indices_count_from_the_end_only_where_they_may():
    assert check_index(-1, 5, "position", negative=True) == 4
    for size in (5, None):
        with pytest.raises(OutOfRange, match="a position"):
            check_index(-1, size, "position")


@pytest.mark.parametrize("value", [5, -6])
def test_an_index_beyond_the_ends_is_refused_with_facts_for_the_page(value):
    with pytest.raises(OutOfRange) as caught:
        check_index(value, 5, "position", negative=True)
    assert caught.value.code == "out_of_range"
    assert caught.value.facts == {"what": "position", "least": -5, "last": 4, "got": value}
    assert check_index(5, None, "layer") == 5
    with pytest.raises(OutOfRange) as caught:
        check_index(-1, None, "layer")
    assert caught.value.code == "out_of_range"
    assert caught.value.facts == {"what": "layer", "least": 0, "last": None, "got": -1}


def test_where_there_is_none_every_index_is_refused():
    for value in (0, -1, 3):
        with pytest.raises(OutOfRange, match=rf"a neuron to choose\. Got {value}\. There is no neuron here"):
            check_index(value, 0, "neuron", negative=True)


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", None, torch.tensor(1.5), np.array([1, 2])])
def test_anything_else_is_of_the_wrong_type(value):
    for check in (lambda: check_index(value, 5, "head"), lambda: check_index(value, None, "head")):
        with pytest.raises(WrongType, match="a whole number as head"):
            check()
    with pytest.raises(WrongType, match="a whole number as n"):
        check_count(value, "n")


def test_a_count_is_at_least_one():
    with pytest.raises(GPTVizError, match=r"n of at least 1\. Got 0"):
        check_count(0, "n")


def test_the_first_id_outside_the_vocabulary_is_named():
    for ids in ([], [0, 4], np.array([4, 0]), np.empty(0, np.uint64)):
        check_token_ids(ids, 5, "Use other ids.")
    for ids in ([0, 5, 9], [4, -1], [10**30], np.array([5], np.uint64)):
        with pytest.raises(OutOfRange, match=r"from 0 to 4\. Got (5|-1|10{30})\. Use other ids"):
            check_token_ids(ids, 5, "Use other ids.")


def test_the_most_similar_name_is_suggested():
    assert did_you_mean("temprature", ["top_k", "temperature"]) == "Did you mean temperature?"
    assert did_you_mean("x", ["temperature"]) == "Leave it out."


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_rounding_is_measured_at_the_magnitude_of_what_goes_in(make):
    epsilon = float(np.finfo(np.float32).eps)
    small, large = make([1.0, -2.0]), make([1.0, -2000.0])
    assert within_rounding(small + 1e-6, small, epsilon) and not within_rounding(small + 1e-5, small, epsilon)
    assert within_rounding(large + 1e-3, large, epsilon) and not within_rounding(large + 1e-2, large, epsilon)
    assert within_rounding(small + 1e-5, small, epsilon, magnitude=2000.0)
    assert not within_rounding(small * float("nan"), small, epsilon)
