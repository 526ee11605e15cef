"""Losses over the steps: a small chart for each term, a line in it for each run.

Values only; the template draws them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aezoo.report.scale import Scale, fit, short
from aezoo.report.view import Lines

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 10, 26
MOST = 300  # points of a line
Curve = list[tuple[float, float]]  # step, value
Ticks = list[tuple[float, str]]


@dataclass(frozen=True)
class Drawn:
    """A run's line: which colour, and its points as SVG wants them."""

    label: str
    number: int
    points: str


@dataclass(frozen=True)
class Chart:
    """One term.

    summary:  in words what the lines show
    log:      whether the values stand on a logarithmic axis
    """

    term: str
    summary: str
    lines: tuple[Drawn, ...]
    x: Ticks
    y: Ticks
    log: bool


@dataclass(frozen=True)
class PhaseCurves:
    """The charts of one phase."""

    name: str
    charts: tuple[Chart, ...]


def phases(runs: Mapping[str, Lines]) -> list[PhaseCurves]:
    """The charts of all phases, in the order in which the runs log them.

    runs:  by label, lines as in metrics.jsonl; keys without a slash are no terms, and values that are no
           finite number are left out
    """
    found: dict[str, dict[str, dict[str, Curve]]] = {}
    for label, lines in runs.items():
        for phase, term, step, value in _values(lines):
            found.setdefault(phase, {}).setdefault(term, {}).setdefault(label, []).append((step, value))
    numbers = {label: number for number, label in enumerate(runs)}
    return [
        PhaseCurves(phase, tuple(_chart(term, curves, numbers) for term, curves in terms.items()))
        for phase, terms in found.items()
    ]


def _values(lines: Lines) -> Iterator[tuple[str, str, float, float]]:
    for line in lines:
        stage = f"{line['stage']}: " if "stage" in line else ""
        for key, value in line.items():
            phase, slash, term = key.partition("/")
            if slash and isinstance(value, int | float) and math.isfinite(value):
                yield stage + phase, term, float(line["step"]), float(value)


def _chart(term: str, curves: Mapping[str, Curve], numbers: Mapping[str, int]) -> Chart:
    last = max(step for curve in curves.values() for step, _ in curve)
    x = Scale(0.0, max(last, 1.0), LEFT, WIDTH - RIGHT)  # from 0 on, and never logarithmic
    y = fit([value for curve in curves.values() for _, value in curve], HEIGHT - BOTTOM, TOP)
    drawn = [
        Drawn(label, numbers[label], " ".join(f"{x(step)},{y(value)}" for step, value in thin(curve)))
        for label, curve in curves.items()
    ]
    summary = "; ".join(f"{label}: {_words(curve)}" for label, curve in curves.items())
    return Chart(term, summary, tuple(drawn), x.ticks(3), y.ticks(4), y.log)


def thin(curve: Curve, most: int = MOST) -> Curve:
    """At most so many points: the first, the last, and of each stretch between them lowest and highest.

    >>> thin([(step, float(step == 5)) for step in range(9)], most=4)
    [(0, 0.0), (1, 0.0), (5, 1.0), (8, 0.0)]
    """
    if len(curve) <= most:
        return curve
    inner = curve[1:-1]
    stretches = (most - 2) // 2
    edges = [len(inner) * k // stretches for k in range(stretches + 1)]
    kept = [curve[0]]
    for start, end in itertools.pairwise(edges):
        stretch = inner[start:end]
        kept += sorted({pick(stretch, key=lambda point: point[1]) for pick in (min, max)})
    return [*kept, curve[-1]]


def _words(curve: Curve) -> str:
    (first, start), (last, end) = curve[0], curve[-1]
    if first == last:
        return f"{short(start)} at step {short(first)}"
    return f"from {short(start)} at step {short(first)} to {short(end)} at step {short(last)}"
