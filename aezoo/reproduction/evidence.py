"""What the runs of an experiment say: values by seed, and why some are not there. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aezoo.evaluation.names import flaws_in
from aezoo.reproduction import claims
from aezoo.reproduction.claims import Finding, Values, Verdict
from aezoo.reproduction.experiment import AnyClaim, Below, Contrast, Gap, Memorises, Trend
from aezoo.tables.cell import Outcome
from aezoo.tables.entries import bare
from aezoo.tables.render.layout import clean, shorten

Point = Mapping[str, float]  # a checkpoint: `step`, and measures by name
Curves = Mapping[tuple[str, str], Mapping[int, Sequence[Point]]]  # method, dataset -> seed -> checkpoints


@dataclass(frozen=True)
class Evidence:
    """Values of all runs.

    values:   (method, dataset, measure) -> by seed; a measure is `generation/fd`, without its extractor
    curves:   of kept checkpoints, where those are measured
    missing:  (method, dataset) -> why there is no number
    flawed:   (method, dataset) -> by seed what went wrong: beginnings of warnings, or that it failed
    """

    values: Mapping[tuple[str, str, str], Values]
    curves: Curves = field(default_factory=dict)
    missing: Mapping[tuple[str, str], str] = field(default_factory=dict)
    flawed: Mapping[tuple[str, str], Mapping[int, Sequence[str]]] = field(default_factory=dict)

    def of(self, method: str, dataset: str, measure: str) -> Values:
        return self.values.get((method, dataset, measure), {})

    def why_not(self, methods: Sequence[str], dataset: str) -> str:
        """Why a method has no number on a dataset; empty where all have been run."""
        run = {(method, name) for method, name, _ in self.values}
        if dataset not in {name for _, name in [*run, *self.missing]}:
            return f"{dataset} was not run"
        absent = [method for method in methods if (method, dataset) not in run]
        return "; ".join(
            f"{method} on {dataset}: {self.missing.get((method, dataset), 'not run')}" for method in absent
        )

    def flaws(self, methods: Sequence[str], dataset: str) -> str:
        """Which trainings of the methods went wrong, and how; empty where none did."""
        return "; ".join(
            f"{method} seed {', '.join(map(str, seeds))}: {warning}"
            for method in dict.fromkeys(methods)
            for warning, seeds in _by_warning(self.flawed.get((method, dataset), {})).items()
        )


def _by_warning(flawed: Mapping[int, Sequence[str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for seed, warnings in sorted(flawed.items()):
        for warning in warnings:
            found.setdefault(warning, []).append(seed)
    return found


def evidence_of(outcomes: Sequence[Outcome], curves: Curves | None = None) -> Evidence:
    """Everything that finished runs measured."""
    values: dict[tuple[str, str, str], dict[int, float]] = {}
    missing: dict[tuple[str, str], str] = {}
    flawed: dict[tuple[str, str], dict[int, list[str]]] = {}
    for outcome in outcomes:
        cell = outcome.cell
        if outcome.failure:
            missing[cell.method, cell.dataset] = _shortly(outcome.failure)
            flawed.setdefault((cell.method, cell.dataset), {})[cell.seed] = ["failed"]  # others are survivors
            continue
        if warnings := flaws_in(outcome.results.get("warnings", ())):
            flawed.setdefault((cell.method, cell.dataset), {})[cell.seed] = warnings
        for row in outcome.results.get("results", ()):
            key = (cell.method, cell.dataset, f"{row['of']}/{bare(row['metric'])}")
            if row["value"] is not None and math.isfinite(row["value"]):
                values.setdefault(key, {})[cell.seed] = row["value"]
    for (method, dataset), seeds in (curves or {}).items():
        for seed, points in seeds.items():
            for name in points[0].keys() - {"step"} if points else ():
                mean = math.fsum(point[name] for point in points) / len(points)
                values.setdefault((method, dataset, f"curve/{name}"), {})[seed] = mean
                values.setdefault((method, dataset, f"last/{name}"), {})[seed] = points[-1][name]
    return Evidence(values, curves or {}, missing, flawed)


def _shortly(failure: str) -> str:
    """How a run ended and what it said, without the place of its log."""
    head, *said = failure.splitlines()
    return shorten(clean(" ".join([head.partition(";")[0], *said])))


def verdicts_on(asked: Sequence[AnyClaim], found: Evidence) -> list[Verdict]:
    """The verdicts on all claims of a page, which are corrected together."""
    return claims.decide([finding_on(claim, found) for claim in asked])


def finding_on(claim: AnyClaim, found: Evidence) -> Finding:
    """What the runs say of a claim: nothing where one that it speaks of is not there, or went wrong."""
    methods = methods_of(claim)
    if why := found.why_not(methods, claim.dataset):
        return Finding(why, tested=False)
    finding = _judge(claim, found)
    if wrong := found.flaws(methods, claim.dataset):
        return Finding(
            f"it rests on trainings that went wrong: {wrong}; their numbers: {finding.why}", tested=False
        )
    return finding


def _judge(claim: AnyClaim, found: Evidence) -> Finding:
    match claim:
        case Below():
            return claims.below(*(found.of(one, claim.dataset, claim.measure) for one in (claim.a, claim.b)))
        case Gap():
            a, b = (_both(found, one, claim) for one in (claim.a, claim.b))
            return claims.gap_below(a, b, claim.tolerance)
        case Memorises():
            counted = {key: found.of(claim.method, claim.dataset, key) for key in claims.COPIES}
            finding = claims.memorises(counted, claim.tolerance)
            return finding if claim.expect else claims.opposite(finding)
        case Contrast():
            return claims.rises_less(*(_series(found, claim, some) for some in (claim.a, claim.b)))
        case Trend():
            return _trend(claim, _series(found, claim, claim.over))


def methods_of(claim: AnyClaim) -> tuple[str, ...]:
    """The methods that a claim speaks of."""
    match claim:
        case Trend():
            return claim.over
        case Contrast():
            return (*claim.a, *claim.b)
        case Memorises():
            return (claim.method,)
        case _:
            return (claim.a, claim.b)


def _both(found: Evidence, method: str, claim: Gap) -> tuple[Values, Values]:
    reconstruction, generation = (
        found.of(method, claim.dataset, f"{of}/{claim.measure}") for of in ("reconstruction", "generation")
    )
    return reconstruction, generation


def _series(found: Evidence, claim: Trend | Contrast, methods: Sequence[str]) -> list[Values]:
    return [found.of(method, claim.dataset, claim.measure) for method in methods]


def _trend(claim: Trend, series: Sequence[Values]) -> Finding:
    judges = {"rises": claims.rises, "falls": claims.falls, "u-shaped": claims.u_shaped}
    if claim.kind in judges:
        return judges[claim.kind](series)
    return claims.flat(series, claim.tolerance, may_fall=claim.kind == "flat-or-falls")
