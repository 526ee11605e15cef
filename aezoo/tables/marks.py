"""Who is best, who is as good as that, and what a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aezoo.tables.entries import Better, Column, Comparison, Entry, Mark, Rule
from aezoo.tables.statistics import (
    LEAST_SEEDS,
    holm,
    mean_rank,
    paired_interval,
    ranks,
    sign_flip_p,
    smallest_p,
)

Entries = Mapping[str, Entry]  # a column's, by method


def mark(entries: Entries, better: Better) -> dict[str, Entry]:
    """The entries with the best and the second of those that compete, by the column's rule.

    The second is the best of those that are not as good as the best. One entry alone is best of nothing.
    """
    marks: dict[str, Mark] = {}
    rest, rule = competing(entries), rule_of(entries, better)
    lead = _clear_leader if rule == "ranges" else _leaders
    for mark in ("best", "second") if rule else ():
        group = lead(rest, better)
        marks.update(dict.fromkeys(group, mark))
        rest = {name: entry for name, entry in rest.items() if name not in group} if group else {}
    return {name: replace(entry, mark=marks.get(name, "")) for name, entry in entries.items()}


def rule_of(entries: Entries, better: Better) -> Rule:
    """How a column is marked: by ranges where the best shares too few seeds with another for any test."""
    rest = competing(entries)
    if better is None or len(rest) < 2:
        return ""
    best = rest[leader(rest, better)]
    few = any(len(pair(entry, best)[0]) < LEAST_SEEDS for entry in rest.values())
    return "ranges" if few else "intervals"


def competing(entries: Entries) -> dict[str, Entry]:
    return {name: entry for name, entry in entries.items() if entry.competes}


def leader(entries: Entries, better: Better) -> str:
    """The name with the best mean; the first of equals."""
    sign = -1 if better == "higher" else 1
    return min(entries, key=lambda name: sign * _mean(entries[name]))


def tie(a: Entry, b: Entry) -> bool:
    """Whether the paired difference has a 95 % interval with 0 in it; below two pairs: equal means."""
    ours, theirs = pair(a, b)
    if len(ours) < 2:
        return a.mean == b.mean
    low, high = paired_interval(ours, theirs)
    return low <= 0 <= high


def pair(a: Entry, b: Entry) -> tuple[list[float], list[float]]:
    """The values of the seeds that both have."""
    seeds = [seed for seed in a.values if seed in b.values]
    return [a.values[seed] for seed in seeds], [b.values[seed] for seed in seeds]


def tests(column: Column, entries: Entries) -> list[Comparison]:
    """Everyone who shares enough seeds with the best, against the best.

    The best is chosen from the same numbers, so p is on the small side: it can say that a lead is no
    evidence, and less surely that it is.
    """
    rest = competing(entries)
    if column.better is None or column.mixed or len(rest) < 2:
        return []
    best = leader(rest, column.better)
    pairs = {name: pair(entry, rest[best]) for name, entry in rest.items() if name != best}
    differences = {
        name: [a - b for a, b in zip(*pair, strict=True)]
        for name, pair in pairs.items()
        if len(pair[0]) >= LEAST_SEEDS
    }
    p = {name: sign_flip_p(values) for name, values in differences.items()}
    adjusted = holm(p)
    return [
        _comparison(column, name, best, len(values), p[name], adjusted[name], len(p))
        for name, values in differences.items()
    ]


def _comparison(
    column: Column, method: str, best: str, n: int, p: float, adjusted: float, comparisons: int
) -> Comparison:
    smallest = smallest_p(n)
    return Comparison(column, method, best, n, p, adjusted, smallest, min(1.0, comparisons * smallest))


def mean_ranks(columns: Sequence[tuple[Column, Entries]]) -> dict[str, float]:
    """Mean place of the methods that compete in every column; empty for fewer than two of either."""
    everywhere = [
        name for name in (columns[0][1] if columns else ()) if all(c[name].competes for _, c in columns)
    ]
    if len(columns) < 2 or len(everywhere) < 2:
        return {}
    means = [(column, {name: _mean(entries[name]) for name in everywhere}) for column, entries in columns]
    return mean_rank([ranks(mean, higher_is_better=column.better == "higher") for column, mean in means])


def _leaders(entries: Entries, better: Better) -> list[str]:
    if not entries:
        return []
    best = entries[leader(entries, better)]
    return [name for name, entry in entries.items() if entry is best or tie(entry, best)]


def _clear_leader(entries: Entries, better: Better) -> list[str]:
    """The one with the best mean, if all its values are better than all of everybody else's.

    A single value has no range, and leads nothing.
    """
    if not entries:
        return []
    best = leader(entries, better)
    others = [entry for name, entry in entries.items() if name != best]
    clear = all(_beyond(entries[best], other, better) for other in others)
    return [best] if clear and len(entries[best].values) > 1 else []


def _beyond(a: Entry, b: Entry, better: Better) -> bool:
    """Whether the range of a lies on the good side of that of b."""
    low, high = (a, b) if better == "lower" else (b, a)
    return max(low.values.values()) < min(high.values.values())


def _mean(entry: Entry) -> float:
    assert entry.mean is not None, "an entry that competes has a mean"
    return entry.mean
