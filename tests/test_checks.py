"""Checks of arguments: what passes, what is refused, and with which kind of error."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from gptviz.checks import (
    as_number,
    as_whole_number,
    check_choice,
    check_count,
    check_finite_number,
    check_index,
    check_number,
    check_token_ids,
    check_whole_number,
    did_you_mean,
    short,
    within_rounding,
)
from gptviz.errors import GPTVizError, OutOfRange, WrongType


@pytest.mark.parametrize("value", [3, np.int64(3), np.array(3), torch.tensor(3)])
def test_whole_numbers_of_any_library_are_indices(value):
    for index in (check_index(value, 5, "layer"), check_index(value, None, "layer"), check_count(value, "k"),
                  check_whole_number(value, "seed", "For example 1.")):  # fmt: skip
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


NO_WHOLE_NUMBERS = [
    True, np.True_, np.array(True), torch.tensor(True), 1.0, "1", None, torch.tensor(1.5), np.array([1, 2]), torch.tensor([1]),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS, ids=repr)
def test_anything_else_is_of_the_wrong_type(value):
    assert as_whole_number(value) is None
    for check in (lambda: check_index(value, 5, "head"), lambda: check_index(value, None, "head")):
        with pytest.raises(WrongType, match="a whole number as head"):
            check()
    with pytest.raises(WrongType, match="a whole number as n"):
        check_count(value, "n")


def test_a_count_is_at_least_one():
    with pytest.raises(GPTVizError, match=r"n of at least 1\. Got 0"):
        check_count(0, "n")


@pytest.mark.parametrize(
    ("value", "words"), [(2, r"n of at least 3\. Got 2\. 3 is"), (6, r"n of at most 5\. Got 6\. 5 is")]
)
def test_a_count_may_have_other_bounds(value, words):
    assert [check_count(n, "n", 3, 5) for n in (3, 5)] == [3, 5]
    with pytest.raises(GPTVizError, match=words):
        check_count(value, "n", 3, 5)


@pytest.mark.parametrize("make", [float, np.float16, np.float32, np.int8, np.array, torch.tensor, Fraction])
def test_numbers_of_any_library_are_numbers(make):
    for check in (lambda value: check_number(value, "rate", "For example 1.", above=0), finite):
        number = check(make(3))
        assert number == 3 and type(number) is float


def finite(value):
    return check_finite_number(value, "rate", "For example 1.")


NO_NUMBERS = [
    True, np.True_, np.array(True), torch.tensor(True), "1", b"1", np.array("1"), None, 1j, np.complex64(1), torch.tensor(1j),
    [1], np.ones(1), torch.ones(1),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_anything_else_is_no_number(value):
    assert as_number(value) is None
    for check in (lambda value: check_number(value, "rate", "For example 1."), finite):
        with pytest.raises(WrongType, match=r"a number as rate\. Got .*\. For example 1"):
            check(value)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 10**400, -(10**5000), Fraction(10**5000)], ids=short)
def test_a_number_that_no_float_holds_is_not_finite(value):
    assert finite(1e300) == 1e300
    with pytest.raises(GPTVizError, match=r"a finite rate\. Got .{1,60}\. For example 1\.$"):
        finite(value)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 1e38, 10**400])
def test_a_number_outside_the_bounds_is_refused_in_a_short_text(value):
    with pytest.raises(GPTVizError, match=r"an error above 0 and below 1e\+38\. Got .{1,60}\. For example 1\.$"):
        check_number(value, "error", "For example 1.", above=0)


@pytest.mark.parametrize("value", ["b", 5, None, ["a"], np.array(["a", "b"])])
def test_one_of_some_names(value):
    assert check_choice("a", ("c", "a"), "option") == "a"
    with pytest.raises(GPTVizError, match=r"an option among c, a\. Got .*c is one"):
        check_choice(value, ("c", "a"), "option")


class Mute:
    def __repr__(self):
        raise ZeroDivisionError


def test_a_long_value_is_shown_without_its_middle():
    assert short("it") == "'it'" and short(10**30) == "1" + "0" * 30
    assert short("a" * 100 + "z") == "'" + "a" * 29 + "…" + "a" * 13 + "z'"
    assert short(10**5000) == "a value of type int" and short(Mute()) == "a value of type Mute"


def test_the_first_id_outside_the_vocabulary_is_named():
    for ids in ([], [0, 4], np.array([4, 0]), np.empty(0, np.uint64)):
        check_token_ids(ids, 5, "Use other ids.")
    for ids in ([0, 5, 9], [4, -1], [10**30], np.array([5], np.uint64)):
        with pytest.raises(OutOfRange, match=r"from 0 to 4\. Got (5|-1|10{30})\. Use other ids"):
            check_token_ids(ids, 5, "Use other ids.")


def test_the_most_similar_name_is_suggested():
    assert did_you_mean("temprature", ["top_k", "temperature"]) == "Did you mean temperature?"
    assert did_you_mean("x", ["temperature"]) == "Leave it out."


@pytest.mark.parametrize("name", ["Learning_Rate", "lr", "LR", "rate", "learn", "learning-rate"])
def test_another_case_and_a_short_form_are_similar(name):
    assert did_you_mean(name, ["steps", "learning_rate", "rank"]) == "Did you mean learning_rate?"


@pytest.mark.parametrize("name", ["l", "q", "", "epochs"])
def test_what_is_too_short_or_other_is_not_similar(name):
    assert did_you_mean(name, ["steps", "learning_rate", "rank"]) == "Leave it out."


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_rounding_is_measured_at_the_magnitude_of_what_goes_in(make):
    epsilon = float(np.finfo(np.float32).eps)
    small, large = make([1.0, -2.0]), make([1.0, -2000.0])
    assert within_rounding(small + 1e-6, small, epsilon) and not within_rounding(small + 1e-5, small, epsilon)
    assert within_rounding(large + 1e-3, large, epsilon) and not within_rounding(large + 1e-2, large, epsilon)
    assert within_rounding(small + 1e-5, small, epsilon, magnitude=2000.0)
    assert not within_rounding(small * float("nan"), small, epsilon)
