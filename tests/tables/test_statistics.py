"""What few seeds allow to say."""

import doctest
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aezoo.tables import statistics
from aezoo.tables.statistics import (
    EXACT,
    holm,
    mean_and_std,
    mean_rank,
    paired_interval,
    ranks,
    sign_flip_p,
    smallest_p,
)

numbers = st.floats(-100, 100).filter(lambda x: x == 0 or abs(x) > 1e-6)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(statistics).failed == 0


def test_one_value_has_no_deviation():
    assert mean_and_std([3.0]) == (3.0, None)


def test_the_interval_is_students():
    """Differences 1, 2, 3: mean 2, standard error 1/sqrt(3), and t is 4.302653 at 2 degrees of freedom."""
    low, high = paired_interval([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert low == pytest.approx(2 - 4.3026527 / 3**0.5, abs=1e-6)
    assert high == pytest.approx(2 + 4.3026527 / 3**0.5, abs=1e-6)


def test_pairing_takes_out_what_seeds_have_in_common():
    seeds = np.array([10.0, 50.0, 30.0])
    low, high = paired_interval(seeds + np.array([0.9, 1.0, 1.1]), seeds)
    assert 0 < low < 1 < high < 2


@pytest.mark.parametrize(("a", "b"), [([1.0], [2.0]), ([1.0, 2.0], [1.0])])
def test_no_interval_without_two_pairs(a, b):
    with pytest.raises(ValueError, match="pairs"):
        paired_interval(a, b)


@given(st.lists(numbers, min_size=1, max_size=8))
def test_the_sign_flip_test_counts_all_patterns(differences):
    signs = itertools.product((1, -1), repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(pattern, differences, strict=True))) for pattern in signs]
    expected = np.mean([total >= abs(sum(differences)) * (1 - 1e-9) - 1e-9 for total in sums])
    assert sign_flip_p(differences) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=10))
def test_differences_of_one_sign_reach_the_smallest_p(differences):
    assert sign_flip_p(differences) == smallest_p(len(differences))


def test_beyond_sixteen_seeds_p_is_drawn_and_repeats():
    differences = list(np.random.default_rng(1).normal(0.3, 1, EXACT + 4))
    assert sign_flip_p(differences) == sign_flip_p(differences)
    assert 0 < sign_flip_p(differences) < 1
    assert sign_flip_p([1.0] * (EXACT + 10)) == pytest.approx(smallest_p(EXACT + 10), rel=5)


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=1))
def test_holm_never_lowers_a_p_and_keeps_their_order(p):
    adjusted = holm(p)
    assert all(p[name] <= adjusted[name] <= 1 for name in p)
    order = sorted(p, key=lambda name: p[name])
    assert [adjusted[name] for name in order] == sorted(adjusted.values())


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 5), min_size=1), st.booleans())
def test_ranks_add_up_whatever_is_tied(values, higher):
    found = ranks(values, higher_is_better=higher)
    n = len(values)
    assert sum(found.values()) == pytest.approx(n * (n + 1) / 2)


def test_the_mean_rank_leaves_out_who_is_missing_somewhere():
    assert mean_rank([{"a": 1, "b": 2}, {"b": 1, "a": 2, "c": 3}]) == {"a": 1.5, "b": 1.5}
