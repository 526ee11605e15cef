"""Whether numbers bear a claim out: each function sees values by seed, and nothing else. Torch-free.

Every decision is a 95 % interval of Student's over seeds that both sides share. A claim that the interval
leaves open is not decidable; neither is one from a single seed, for which there is no interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from aezoo.tables.statistics import mean_and_std, paired_interval

Values = Mapping[int, float]  # by the seed of the training
Decision = Literal["supported", "contradicted", "not decidable"]


@dataclass(frozen=True)
class Verdict:
    """A decision, and the numbers behind it in words."""

    decision: Decision
    why: str


@dataclass(frozen=True)
class Interval:
    """Where a mean lies: of differences, or of ratios, one for each seed."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:+.3g}, 95 % interval {self.low:+.3g} to {self.high:+.3g}, {self.n} seeds"


def below(a: Values, b: Values) -> Verdict:
    """a is below b.

    >>> below({0: 1.0, 1: 1.1}, {0: 5.0, 1: 5.2}).decision
    'supported'
    """
    found = interval(a, b)
    if found is None:
        return _too_few(a, b)
    why = f"{_say(a)} against {_say(b)}; difference {found}"
    return _decide(supported=found.high < 0, contradicted=found.low > 0, why=why)


def gap_below(a: tuple[Values, Values], b: tuple[Values, Values]) -> Verdict:
    """Generation minus reconstruction is smaller in a than in b; each is (reconstruction, generation)."""
    for values in (*a, *b):
        if len(values) < 2:
            return _too_few(values, values)
    return below(minus(a[1], a[0]), minus(b[1], b[0]))


def rises(series: Sequence[Values]) -> Verdict:
    """From the first to the last, without a step that is surely downwards."""
    ends = interval(series[-1], series[0])
    steps = [interval(after, before) for before, after in pairwise(series)]
    if ends is None or None in steps:
        return _too_few(*series)
    down = any(step is not None and step.high < 0 for step in steps)
    why = f"{_arrow(series)}; last minus first {ends}"
    if down and ends.low > 0:
        return Verdict("contradicted", f"{why}; yet one step goes down")
    return _decide(supported=ends.low > 0, contradicted=ends.high < 0, why=why)


def falls(series: Sequence[Values]) -> Verdict:
    """From the first to the last, without a step that is surely upwards."""
    mirrored = rises([{seed: -value for seed, value in values.items()} for values in series])
    ends = interval(series[-1], series[0])
    if ends is None:
        return mirrored
    tail = "; yet one step goes up" if mirrored.why.endswith("down") else ""
    return Verdict(mirrored.decision, f"{_arrow(series)}; last minus first {ends}{tail}")


def flat(series: Sequence[Values], tolerance: float, *, may_fall: bool = False) -> Verdict:
    """Every value stays within a relative change of the first: shown to be near, not just unshown to differ.

    may_fall:  only a rise counts against it
    """
    changes = [change(values, series[0]) for values in series[1:]]
    whole = [found for found in changes if found is not None]
    if len(whole) < len(changes):
        return _too_few(*series)
    inside = all(found.high < tolerance and (may_fall or found.low > -tolerance) for found in whole)
    outside = any(found.low > tolerance or (not may_fall and found.high < -tolerance) for found in whole)
    said = "; ".join(str(found) for found in whole)
    why = f"{_arrow(series)}; change relative to the first {said}; tolerance {tolerance:g}"
    return _decide(supported=inside, contradicted=outside, why=why)


def u_shaped(series: Sequence[Values]) -> Verdict:
    """The lowest lies strictly inside: surely below both ends. Contradicted where an end is surely lowest."""
    if len(series) < 3:
        return Verdict("not decidable", "a minimum inside takes three settings or more")
    if any(interval(values, series[0]) is None for values in series[1:]):
        return _too_few(*series)
    inner = min(series[1:-1], key=lambda values: mean_and_std(list(values.values()))[0])
    ends = [below(inner, end) for end in (series[0], series[-1])]
    lowest = [
        all(below(end, other).decision == "supported" for other in series if other is not end)
        for end in (series[0], series[-1])
    ]
    why = f"{_arrow(series)}; lowest inside against the first: {ends[0].why}; against the last: {ends[1].why}"
    supported = all(end.decision == "supported" for end in ends)
    return _decide(supported=supported, contradicted=any(lowest), why=why)


def memorises(columns: Mapping[str, Values], tolerance: float) -> Verdict:
    """Samples lie nearer to training rows than these to each other, and nearer than to unseen rows.

    columns:    mean distances to the nearest row: tr-tr, gen-tr, tr-te, gen-te
    tolerance:  relative; nearer by less is no copying

    Smooth samples are nearer to every row, seen or not; being near to training rows alone is memory.
    """
    nearer = change(columns["gen-tr"], columns["tr-tr"])
    alike = change(columns["gen-te"], columns["tr-te"])
    if nearer is None or alike is None:
        return _too_few(*columns.values())
    share = {name: mean_and_std(list(values.values()))[0] for name, values in columns.items()}
    why = (
        ", ".join(f"{name} {share[name]:.4g}" for name in ("tr-tr", "gen-tr", "tr-te", "gen-te"))
        + f"; gen-tr relative to tr-tr {nearer}; gen-te relative to tr-te {alike}"
    )
    if nearer.low > -tolerance:
        return Verdict("contradicted", f"{why}; not nearer by {tolerance:g}")
    special = interval(ratio(columns["gen-tr"], columns["tr-tr"]), ratio(columns["gen-te"], columns["tr-te"]))
    if nearer.high < -tolerance and special is not None and special.high < -tolerance:
        return Verdict("supported", why)
    if special is not None and special.low > -tolerance and nearer.high < -tolerance:
        return Verdict(
            "not decidable", f"{why}; as near to unseen rows: smooth samples are near to everything"
        )
    return Verdict("not decidable", why)


def opposite(verdict: Verdict) -> Verdict:
    """What the same numbers say of the contrary claim."""
    swapped: dict[Decision, Decision] = {"supported": "contradicted", "contradicted": "supported"}
    return Verdict(swapped.get(verdict.decision, verdict.decision), verdict.why)


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


# -- words ---------------------------------------------------------------------------------------------


def _decide(*, supported: bool, contradicted: bool, why: str) -> Verdict:
    return Verdict("supported" if supported else "contradicted" if contradicted else "not decidable", why)


def _too_few(*values: Values) -> Verdict:
    counts = sorted({len(one) for one in values})
    said = " and ".join(map(str, counts))
    return Verdict("not decidable", f"an interval takes two common seeds with a number, and there are {said}")


def _say(values: Values) -> str:
    return f"{mean_and_std(list(values.values()))[0]:.4g}"


def _arrow(series: Sequence[Values]) -> str:
    return " → ".join(map(_say, series))
