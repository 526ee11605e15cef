"""What the runs of an experiment say: values by seed, and why some are not there. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aezoo.reproduction import claims
from aezoo.reproduction.claims import Values, Verdict
from aezoo.reproduction.experiment import Below, Gap, Memorises, Trend
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
    """

    values: Mapping[tuple[str, str, str], Values]
    curves: Curves = field(default_factory=dict)
    missing: Mapping[tuple[str, str], str] = field(default_factory=dict)

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


def evidence_of(outcomes: Sequence[Outcome], curves: Curves | None = None) -> Evidence:
    """Everything that finished runs measured."""
    values: dict[tuple[str, str, str], dict[int, float]] = {}
    missing: dict[tuple[str, str], str] = {}
    for outcome in outcomes:
        cell = outcome.cell
        if outcome.failure:
            missing[cell.method, cell.dataset] = _shortly(outcome.failure)
            continue
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
    return Evidence(values, curves or {}, missing)


def _shortly(failure: str) -> str:
    """How a run ended and what it said, without the place of its log."""
    head, *said = failure.splitlines()
    return shorten(clean(" ".join([head.partition(";")[0], *said])))


def verdict_on(claim: Below | Gap | Trend | Memorises, found: Evidence) -> Verdict:
    """The verdict on a claim; not decidable where a run that it speaks of is not there."""
    why = found.why_not(methods_of(claim), claim.dataset)
    if why:
        return Verdict("not decidable", why)
    match claim:
        case Below():
            return claims.below(*(found.of(one, claim.dataset, claim.measure) for one in (claim.a, claim.b)))
        case Gap():
            return claims.gap_below(*(_both(found, one, claim) for one in (claim.a, claim.b)))
        case Memorises():
            columns = {
                of: found.of(claim.method, claim.dataset, f"{of}/{claim.measure}")
                for of in ("tr-tr", "gen-tr", "tr-te", "gen-te")
            }
            verdict = claims.memorises(columns, claim.tolerance)
            return verdict if claim.expect else claims.opposite(verdict)
        case Trend():
            return _trend(claim, [found.of(one, claim.dataset, claim.measure) for one in claim.over])


def methods_of(claim: Below | Gap | Trend | Memorises) -> tuple[str, ...]:
    """The methods that a claim speaks of."""
    match claim:
        case Trend():
            return claim.over
        case Memorises():
            return (claim.method,)
        case _:
            return (claim.a, claim.b)


def _both(found: Evidence, method: str, claim: Gap) -> tuple[Values, Values]:
    reconstruction, generation = (
        found.of(method, claim.dataset, f"{of}/{claim.measure}") for of in ("reconstruction", "generation")
    )
    return reconstruction, generation


def _trend(claim: Trend, series: Sequence[Values]) -> Verdict:
    judges = {"rises": claims.rises, "falls": claims.falls, "u-shaped": claims.u_shaped}
    if claim.kind in judges:
        return judges[claim.kind](series)
    return claims.flat(series, claim.tolerance, may_fall=claim.kind == "flat-or-falls")
