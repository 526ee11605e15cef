"""Best and second, whatever the numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.tables.entries import Entry
from aezoo.tables.marks import leader, mark, tie
from aezoo.tables.statistics import LEAST_SEEDS

unhurried = settings(deadline=None)  # the first interval imports scipy
values = st.floats(-1e3, 1e3, allow_subnormal=False)
methods = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(values, min_size=LEAST_SEEDS, max_size=LEAST_SEEDS), min_size=2
)
few = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(values, min_size=1, max_size=LEAST_SEEDS - 1), min_size=2
)


def entry(numbers) -> Entry:
    return Entry(dict(enumerate(numbers)), float(np.mean(numbers)), n=len(numbers))


@pytest.mark.parametrize("better", ["lower", "higher"])
@unhurried
@given(methods)
def test_whoever_is_best_leads_or_ties_with_the_leader(better, numbers):
    found = mark({name: entry(some) for name, some in numbers.items()}, better)
    first = leader(found, better)
    means = [one.mean for one in found.values()]
    assert found[first].mean == (min(means) if better == "lower" else max(means))
    assert {name for name, one in found.items() if one.mark == "best"} == {
        name for name, one in found.items() if name == first or tie(one, found[first])
    }


@unhurried
@given(methods)
def test_the_second_is_nobody_while_all_are_best(numbers):
    found = mark({name: entry(some) for name, some in numbers.items()}, "lower")
    marks = [one.mark for one in found.values()]
    assert ("second" in marks) == (marks.count("best") < len(marks))


@unhurried
@given(methods, st.randoms(use_true_random=False))
def test_marks_do_not_depend_on_the_order_of_methods(numbers, random):
    names = list(numbers)
    random.shuffle(names)
    found = mark({name: entry(some) for name, some in numbers.items()}, "lower")
    means = [one.mean for one in found.values()]
    if len(set(means)) == len(means):  # of equal means the first leads
        shuffled = mark({name: entry(numbers[name]) for name in names}, "lower")
        assert {name: one.mark for name, one in shuffled.items()} == {
            name: one.mark for name, one in found.items()
        }


@pytest.mark.parametrize("better", ["lower", "higher"])
@unhurried
@given(few)
def test_of_few_seeds_at_most_one_is_best_and_none_of_the_others_reaches_it(better, numbers):
    found = mark({name: entry(some) for name, some in numbers.items()}, better)
    best = [name for name, one in found.items() if one.mark == "best"]
    assert len(best) <= 1
    for name in best:
        others = [value for other, some in numbers.items() if other != name for value in some]
        sign = 1 if better == "lower" else -1
        assert len(numbers[name]) > 1 and max(sign * v for v in numbers[name]) < min(sign * v for v in others)
