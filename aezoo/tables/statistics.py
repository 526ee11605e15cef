"""What can be said of two methods from a few seeds each: intervals, an exact test, ranks."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

EXACT = 16  # seeds up to which all sign patterns are gone through; beyond, a fixed draw of them
DRAWN = 1 << EXACT
LEAST_SEEDS = 6  # below, no outcome of the test could be called significant: 2 / 2**5 > 0.05


def mean_and_std(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and standard deviation with ddof 1; of a single value none. Exactly 0 for equal values.

    >>> mean_and_std([1.0, 3.0])
    (2.0, 1.4142135623730951)
    """
    return float(statistics.mean(values)), statistics.stdev(values) if len(values) > 1 else None


def paired_interval(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Where the mean of a - b lies, from pairs that share their seed: Student's interval.

    Equal differences give an interval of no width.

    Shapes:  a, b: n numbers each, n >= 2
    Raises:  ValueError for other counts
    """
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f"{len(a)} and {len(b)} values are no pairs, or too few: 2 pairs are needed")
    from scipy.stats import t

    difference = np.asarray(a, float) - np.asarray(b, float)
    half = (
        float(t.ppf((1 + level) / 2, len(difference) - 1)) * difference.std(ddof=1) / len(difference) ** 0.5
    )
    return float(difference.mean() - half), float(difference.mean() + half)


def below_p(values: Sequence[float], bound: float = 0.0) -> float:
    """How often so low a mean comes about where the true one is the bound: Student's, one-sided.

    Equal values give 0 below the bound, and else 1.

    Shapes:  n numbers, n >= 2
    Raises:  ValueError for fewer

    >>> round(below_p([-1.0, -2.0, -3.0]), 4)  # mean -2, standard error 1 / sqrt(3), 2 degrees of freedom
    0.0371
    """
    if len(values) < 2:
        raise ValueError(f"{len(values)} values have no deviation: 2 are needed")
    from scipy.stats import t

    mean, std = mean_and_std(values)
    if not std:
        return 0.0 if mean < bound else 1.0
    return float(t.cdf((mean - bound) / (std / len(values) ** 0.5), len(values) - 1))


def sign_flip_p(differences: Sequence[float]) -> float:
    """How often random signs make the mean difference as large as it is, two-sided: an exact test.

    It supposes nothing but that under equal methods each difference is as likely as its negative. All
    2^n sign patterns are counted up to n = 16, beyond that 65,536 fixed random ones and the given one.

    >>> sign_flip_p([1.0, 1.0, 1.0])
    0.25
    """
    found = np.asarray(differences, float)
    largest = abs(found.sum()) * (1 - 1e-12)  # rounding is no evidence
    if len(found) <= EXACT:
        signs = np.array(list(itertools.product((1, -1), repeat=len(found))))
        return float(np.mean(np.abs(signs @ found) >= largest))
    signs = np.random.default_rng(0).choice((1, -1), size=(DRAWN, len(found)))
    return float((np.sum(np.abs(signs @ found) >= largest) + 1) / (DRAWN + 1))


def smallest_p(n: int) -> float:
    """The smallest p that `sign_flip_p` can give for n differences.

    >>> smallest_p(6)
    0.03125
    """
    return 2 / 2**n if n <= EXACT else 1 / (DRAWN + 1)


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """p values adjusted for being several (Holm 1979): each may be compared with the level as it is.

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    adjusted: dict[str, float] = {}
    floor = 0.0
    for place, (name, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        floor = max(floor, min(1.0, (len(p) - place) * value))
        adjusted[name] = floor
    return adjusted


def ranks(values: Mapping[str, float], *, higher_is_better: bool) -> dict[str, float]:
    """1 for the best; equal values share the mean of their places.

    >>> ranks({"a": 2.0, "b": 1.0, "c": 2.0}, higher_is_better=True)
    {'a': 1.5, 'b': 3.0, 'c': 1.5}
    """
    from scipy.stats import rankdata

    places = rankdata([-value if higher_is_better else value for value in values.values()])
    return dict(zip(values, places.tolist(), strict=True))


def mean_rank(per_column: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean place over columns of those who have a place in every one."""
    everywhere = [name for name in per_column[0] if all(name in column for column in per_column)]
    return {name: math.fsum(column[name] for column in per_column) / len(per_column) for name in everywhere}
