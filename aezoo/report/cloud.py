"""Codes in a plane: places of points for the template to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aezoo.report.scale import Scale
from aezoo.report.view import Points

SIDE, EDGE = 320, 8


@dataclass(frozen=True)
class PointGroup:
    """Points of one colour, as an SVG path of dots."""

    label: str
    number: int
    path: str


@dataclass(frozen=True)
class CloudPlot:
    """Data by class, and what the prior draws."""

    label: str
    groups: tuple[PointGroup, ...]
    prior: str
    summary: str
    axes: tuple[str, str]


def cloud(label: str, points: Points) -> CloudPlot:
    """Both axes have the same unit, and their square holds all points."""
    everything = [*points.prior, *(point for some in points.groups.values() for point in some)]
    x, y = _axes(everything)
    groups = tuple(
        PointGroup(name, number, _dots(some, x, y))
        for number, (name, some) in enumerate(points.groups.items())
    )
    coded = sum(map(len, points.groups.values()))
    summary = f"{coded} codes of test rows and {len(points.prior)} codes drawn from the prior of {label}"
    return CloudPlot(label, groups, _dots(points.prior, x, y), summary, points.axes)


def _axes(points: Sequence[tuple[float, float]]) -> tuple[Scale, Scale]:
    ends = [(min(values), max(values)) for values in zip(*points, strict=True)]
    half = max(max(high - low for low, high in ends) / 2, 1e-6)
    (left, right), (bottom, top) = (((low + high) / 2 - half, (low + high) / 2 + half) for low, high in ends)
    return Scale(left, right, EDGE, SIDE - EDGE), Scale(bottom, top, SIDE - EDGE, EDGE)


def _dots(points: Sequence[tuple[float, float]], x: Scale, y: Scale) -> str:
    """Lines without length, which round caps make dots."""
    return "".join(f"M{x(a)} {y(b)}h0" for a, b in points)
