"""What numbers say of a claim, and what remains of it beside the page's other claims. Torch-free.

Each judge sees values by seed, and nothing else. It tests by Student over seeds that both sides share, and
gives two-sided p: a claim by itself is decided at 5 % exactly where a 95 % interval leaves no doubt. A page
makes several claims: their p are adjusted together (Holm) before any of them is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Literal

from aezoo.tables.statistics import below_p, holm, mean_and_std, paired_interval

Values = Mapping[int, float]  # by the seed of the training
Decision = Literal["supported", "contradicted", "not decidable"]
LEVEL = 0.05  # of all claims of a page together


@dataclass(frozen=True)
class Finding:
    """What numbers say of a claim by itself.

    why:        the numbers in words, or why there is nothing to test
    supports, contradicts:  two-sided p of saying so; 1: no sign of it
    tested:     whether there was anything to test
    """

    why: str
    supports: float = 1.0
    contradicts: float = 1.0
    tested: bool = True

    @property
    def p(self) -> float:
        return min(self.supports, self.contradicts)


NOT_RELATIVE = Finding("a relative change takes positive numbers to begin with", tested=False)


@dataclass(frozen=True)
class Verdict:
    """A decision, and the numbers behind it in words.

    p, adjusted:  of the claim by itself, and beside the page's others; None where nothing was tested
    """

    decision: Decision
    why: str
    p: float | None = None
    adjusted: float | None = None


@dataclass(frozen=True)
class Interval:
    """Where a mean lies: of differences, or of ratios, one for each seed."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:+.3g}, 95 % interval {self.low:+.3g} to {self.high:+.3g}, {self.n} seeds"


def decide(findings: Sequence[Finding]) -> list[Verdict]:
    """The verdicts on all claims of a page, so that one wrong one among them has at most 5 %.

    >>> decide([below({0: 1.0, 1: 1.1}, {0: 5.0, 1: 5.2})])[0].decision
    'supported'
    """
    adjusted = holm({str(place): one.p for place, one in enumerate(findings) if one.tested})
    return [_verdict(one, adjusted.get(str(place))) for place, one in enumerate(findings)]


def _verdict(finding: Finding, adjusted: float | None) -> Verdict:
    if adjusted is None:
        return Verdict("not decidable", finding.why)
    decision: Decision = "supported" if finding.supports < finding.contradicts else "contradicted"
    return Verdict(decision if adjusted <= LEVEL else "not decidable", finding.why, finding.p, adjusted)


# -- judges --------------------------------------------------------------------------------------------


def below(a: Values, b: Values) -> Finding:
    """a is below b."""
    found = interval(a, b)
    if found is None:
        return _too_few(a, b)
    why = f"{_say(a)} against {_say(b)}; difference {found}"
    return Finding(why, _less(minus(a, b)), _less(minus(b, a)))


def gap_below(a: tuple[Values, Values], b: tuple[Values, Values], tolerance: float) -> Finding:
    """Generation is nearer to reconstruction in a than in b; each is (reconstruction, generation).

    A worse reconstruction makes any gap small, so generations are compared, and only where reconstructions
    are shown to be of equal quality: within a relative tolerance.
    """
    for values in (*a, *b):
        if len(values) < 2:
            return _too_few(values, values)
    equal, nearer = flat([b[0], a[0]], tolerance), below(a[1], b[1])
    if not (equal.tested and nearer.tested):
        return equal if nearer.tested else nearer
    why = f"generation {nearer.why}; reconstruction, second first, {equal.why}"
    if equal.supports > LEVEL:
        why = f"gaps cannot be compared: reconstructions are not shown to be of equal quality; {why}"
    return Finding(why, max(equal.supports, nearer.supports), max(equal.supports, nearer.contradicts))


def rises(series: Sequence[Values]) -> Finding:
    """From the first to the last, without a step that is surely downwards."""
    ends = interval(series[-1], series[0])
    steps = list(pairwise(series))
    if ends is None or any(interval(after, before) is None for before, after in steps):
        return _too_few(*series)
    why = f"{_arrow(series)}; last minus first {ends}"
    up, down = _less(minus(series[0], series[-1])), _less(minus(series[-1], series[0]))
    back = min(1.0, len(steps) * min(_less(minus(after, before)) for before, after in steps))
    if back <= LEVEL < down:
        return Finding(f"{why}; yet one step goes down", 1.0, min(1.0, 2 * back))
    return Finding(why, up, min(1.0, 2 * min(down, back)) if len(steps) > 1 else down)


def falls(series: Sequence[Values]) -> Finding:
    """From the first to the last, without a step that is surely upwards."""
    mirrored = rises([{seed: -value for seed, value in values.items()} for values in series])
    ends = interval(series[-1], series[0])
    if ends is None:
        return mirrored
    tail = "; yet one step goes up" if mirrored.why.endswith("down") else ""
    return replace(mirrored, why=f"{_arrow(series)}; last minus first {ends}{tail}")


def rises_less(a: Sequence[Values], b: Sequence[Values]) -> Finding:
    """From first to last a rises by less than b, relative to where each begins: difference of differences."""
    if any(value <= 0 for series in (a, b) for value in series[0].values()):
        return NOT_RELATIVE
    ours, theirs = (ratio(series[-1], series[0]) for series in (a, b))
    found, absolute = interval(ours, theirs), interval(minus(a[-1], a[0]), minus(b[-1], b[0]))
    if found is None:
        return _too_few(*a, *b)
    rises = " against ".join(f"{_arrow(series)}" for series in (a, b))
    why = f"{rises}; difference of relative rises {found}; of the rises themselves {absolute}"
    return Finding(why, _less(minus(ours, theirs)), _less(minus(theirs, ours)))


def flat(series: Sequence[Values], tolerance: float, *, may_fall: bool = False) -> Finding:
    """Every value stays within a relative change of the first: shown to be near, not just unshown to differ.

    may_fall:  only a rise counts against it
    """
    if any(value <= 0 for value in series[0].values()):
        return NOT_RELATIVE
    changes = [change(values, series[0]) for values in series[1:]]
    whole = [found for found in changes if found is not None]
    if len(whole) < len(changes):
        return _too_few(*series)
    ratios = [ratio(values, series[0]) for values in series[1:]]
    inside = [_less(one, 1 + tolerance) for one in ratios]
    outside = [_less(_negative(one), -1 - tolerance) for one in ratios]
    if not may_fall:
        inside += [_less(_negative(one), tolerance - 1) for one in ratios]
        outside += [_less(one, 1 - tolerance) for one in ratios]
    said = "; ".join(str(found) for found in whole)
    why = f"{_arrow(series)}; change relative to the first {said}; tolerance {tolerance:g}"
    return Finding(why, max(inside), min(1.0, len(outside) * min(outside)))


def u_shaped(series: Sequence[Values]) -> Finding:
    """Some value inside lies below both ends; contradicted where an end lies below all others.

    No minimum is chosen: every setting inside is tested against both ends, and their number is corrected
    for (Bonferroni). The lowest of several means lies low by chance, so testing it by the same seeds would
    confirm what chose it.
    """
    if len(series) < 3:
        return Finding("a minimum inside takes three settings or more", tested=False)
    first, *inside, last = series
    if any(interval(one, end) is None for end in (first, last) for one in series if one is not end):
        return _too_few(*series)
    both = [max(_less(minus(one, end)) for end in (first, last)) for one in inside]
    lowest = [max(_less(minus(end, other)) for other in series if other is not end) for end in (first, last)]
    at = both.index(min(both))
    ends = "; ".join(
        f"against the {name} {interval(inside[at], end)}" for name, end in (("first", first), ("last", last))
    )
    why = f"{_arrow(series)}; of {len(inside)} inside, all tested, {_say(inside[at])} is the surest: {ends}"
    return Finding(why, min(1.0, len(inside) * min(both)), min(1.0, 2 * min(lowest)))


COPIES = (
    "gen-tr/near_copies",
    "te-tr/near_copies",
    "gen-tr/excess_copies_low",
    "gen-tr/excess_copies_high",
    "gen-tr/in_reach",
)
"""What `memorises` reads, of the metric `memorization`."""


def memorises(counted: Mapping[str, Values], tolerance: float) -> Finding:
    """Under every seed there are more copies of training rows among samples than among test rows.

    counted:    the values of COPIES: both shares, the ends of a 95 % interval of their difference, and the
                share of samples that lie where the data do
    tolerance:  a difference below it is no memory; contradicted where every seed's surely is

    Rows are what is tested here, thousands under each seed; of the seeds the least sure one speaks for all.
    """
    near, unseen, low, high, reach = (counted[key] for key in COPIES)
    seeds = sorted(set.intersection(*map(set, counted.values())))
    if len(seeds) < 2:
        return _too_few(*counted.values())
    excess = minus(near, unseen)
    more = max(_beyond(excess[seed], excess[seed] - low[seed]) for seed in seeds)
    fewer = max(_beyond(tolerance - excess[seed], high[seed] - excess[seed]) for seed in seeds)
    why = (
        f"near copies of training rows {_say(near)} of samples, {_say(unseen)} of test rows; 95 % intervals "
        f"of the difference within {min(low.values()):+.3g} to {max(high.values()):+.3g}, {len(seeds)} seeds"
    )
    if min(reach.values()) < 0.5:
        why = f"{why}; too many samples lie far from the data, where nothing is a copy"
        return Finding(why, more, 1.0)
    return Finding(why, more, 1.0 if more <= LEVEL else fewer)


def _beyond(distance: float, half: float) -> float:
    """Two-sided p of a value so far on the right side of a bound, by the half of its 95 % interval there."""
    if distance <= 0:
        return 1.0
    normal = NormalDist()
    return 2 * normal.cdf(-distance / half * normal.inv_cdf(0.975)) if half > 0 else 0.0


def opposite(finding: Finding) -> Finding:
    """What the same numbers say of the contrary claim."""
    return replace(finding, supports=finding.contradicts, contradicts=finding.supports)


# -- numbers -------------------------------------------------------------------------------------------


def interval(a: Values, b: Values) -> Interval | None:
    """Of a - b over common seeds; None for fewer than two."""
    seeds = [seed for seed in a if seed in b]
    if len(seeds) < 2:
        return None
    low, high = paired_interval([a[seed] for seed in seeds], [b[seed] for seed in seeds])
    return Interval(sum(a[seed] - b[seed] for seed in seeds) / len(seeds), low, high, len(seeds))


def change(a: Values, b: Values) -> Interval | None:
    """Of (a - b) / b over common seeds; None for fewer than two, and where b is no positive number."""
    if any(value <= 0 for value in b.values()):
        return None
    return interval(ratio(a, b), dict.fromkeys(b, 1.0))


def ratio(a: Values, b: Values) -> dict[int, float]:
    return {seed: a[seed] / b[seed] for seed in a if seed in b}


def minus(a: Values, b: Values) -> dict[int, float]:
    return {seed: a[seed] - b[seed] for seed in a if seed in b}


def _negative(values: Values) -> dict[int, float]:
    return {seed: -value for seed, value in values.items()}


def _less(values: Values, bound: float = 0.0) -> float:
    """Two-sided p of a mean below the bound: one side of it doubled."""
    return min(1.0, 2 * below_p(list(values.values()), bound))


# -- words ---------------------------------------------------------------------------------------------


def _too_few(*values: Values) -> Finding:
    counts = sorted({len(one) for one in values})
    said = " and ".join(map(str, counts))
    return Finding(f"an interval takes two common seeds with a number, and there are {said}", tested=False)


def _say(values: Values) -> str:
    return f"{mean_and_std(list(values.values()))[0]:.4g}"


def _arrow(series: Sequence[Values]) -> str:
    return " → ".join(map(_say, series))
