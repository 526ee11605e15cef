"""Which columns a table has, and whether the numbers in one may stand below each other."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aezoo.config.run import Reported
from aezoo.errors import ConfigError, did_you_mean
from aezoo.evaluation.names import OWN, REFERENCES
from aezoo.registry import catalogue, registry
from aezoo.registry.catalogue import ComponentInfo
from aezoo.tables.cell import Outcome
from aezoo.tables.entries import Column, agreement, bare

Key = tuple[str, str]  # of what, metric
Result = Mapping[str, Any]  # a row of results.json

_NUMBER = ("metric", "of", "value", "better", "why")  # the rest of a result is its protocol, but for
_METHOD = ("weights",)  # whether they are averaged, which a method says of itself
_ORIGIN = ("versions",)  # told, and not compared


@dataclass(frozen=True)
class Measured:
    """An outcome, its results by what they are of and their metric.

    asked:  the keys that are shown where nobody names any
    """

    outcome: Outcome
    results: Mapping[Key, Result] = field(default_factory=dict)
    asked: tuple[Key, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.outcome.cell.method} seed {self.outcome.cell.seed}"


def read(outcome: Outcome) -> Measured:
    """The results of an outcome, checked; of a failed one none.

    Raises:  ConfigError where they are no results of `aezoo evaluate`
    """
    results = {}
    for row in () if outcome.failure else outcome.results.get("results", ()):
        if not {"metric", "of", "value"} <= row.keys():
            raise ConfigError(
                f"the results of {outcome.cell.path} do not say what they were taken of",
                where=f"{outcome.cell.path / 'results.json'}",
                fix=f"measure the run again: `aezoo evaluate {outcome.cell.path}`",
            )
        results[row["of"], row["metric"]] = row
    return Measured(outcome, results, tuple(results)[: outcome.rows])


def protocol_of(result: Result) -> dict[str, Any]:
    """What a number depends on besides the model and the dataset, which the column names."""
    return {
        name: value for name, value in result.items() if name not in (*_NUMBER, *_METHOD, *_ORIGIN, "dataset")
    }


# -- which columns -------------------------------------------------------------------------------------


def choose(found: Mapping[str, Sequence[Key]], names: Sequence[str] | None) -> dict[str, list[Key]]:
    """The keys to show of those found, by dataset.

    names:  metrics with or without extractor (`fd`, `fd[pixels]`), also with what they are of
            (`generation/fd`); without names the measures of reconstructions that
            their metrics want first, and all of generated sets; where there are none of these, all

    Raises:  ConfigError for a name that no dataset has
    """
    if not names:
        return {dataset: _usual(keys) for dataset, keys in found.items()}
    _check_known(names, [key for keys in found.values() for key in keys])
    return {
        dataset: list(dict.fromkeys(key for name in names for key in _matching(name, keys)))
        for dataset, keys in found.items()
    }


def _usual(keys: Sequence[Key]) -> list[Key]:
    rebuilt = [key for key in keys if key[0] == "reconstruction"]
    first = [[key for key in rebuilt if measure_of(key[1]) == name][:1] for name in first_measures()]
    usual = [*itertools.chain(*first), *(key for key in keys if key[0] == "generation")]
    return usual or [key for key in keys if key[0] not in REFERENCES]  # such as of --metrics nll alone


def _matching(name: str, keys: Sequence[Key]) -> list[Key]:
    """The keys that a name stands for: of the model's own sets if it says nothing else and there are any."""
    head, bracket, extractor = name.partition("[")
    wanted_of, _, wanted = head.rpartition("/")
    wanted += bracket + extractor
    matching = [
        (of, metric)
        for of, metric in keys
        if wanted in (metric, bare(metric)) and wanted_of in ("", of) and of not in REFERENCES
    ]
    return [key for key in matching if key[0] in OWN or wanted_of] or matching


def _check_known(names: Sequence[str], keys: Sequence[Key]) -> None:
    own = [(of, metric) for of, metric in dict.fromkeys(keys) if of not in REFERENCES]
    for name in names:
        if own and not _matching(name, own):
            known = list(dict.fromkeys(short for _, metric in own for short in (bare(metric), metric)))
            full = [f"{of}/{short}" for of, metric in own for short in (bare(metric), metric)]
            raise ConfigError(
                f"no run has the measure '{name}'",
                where="--columns",
                fix=f"{did_you_mean(name, [*known, *full])}measured are {', '.join(known)}",
            )


# -- one column ----------------------------------------------------------------------------------------


def column_of(dataset: str, key: Key, runs: Sequence[Measured], *, allow_mixed: bool) -> tuple[Column, str]:
    """The column of a key, and what a footnote must say where its protocols are mixed.

    Raises:  ConfigError for mixed protocols that are not allowed
    """
    having = [run for run in runs if key in run.results]
    protocols = [protocol_of(run.results[key]) for run in having]
    shared = agreement(list(protocols))
    differing = sorted({name for protocol in protocols for name in protocol} - shared.keys())
    if differing and not allow_mixed:
        _refuse(dataset, key, having, protocols)
    better = having[0].results[key].get("better")
    column = Column(dataset, *key, better=better, protocol=shared, mixed=bool(differing))
    return column, _mixture(differing, having, protocols) if differing else ""


def _refuse(dataset: str, key: Key, runs: Sequence[Measured], protocols: Sequence[dict[str, Any]]) -> None:
    other = next(place for place, protocol in enumerate(protocols) if protocol != protocols[0])
    names = sorted(protocols[0].keys() | protocols[other].keys())
    differing = [
        f"{name} {_say(protocols[0], name)} and {_say(protocols[other], name)}"
        for name in names
        if _say(protocols[0], name) != _say(protocols[other], name)
    ]
    raise ConfigError(
        f"{'/'.join(key)} on {dataset} was measured by two protocols: {'; '.join(differing)}",
        where=f"{runs[0].outcome.cell.path} and {runs[other].outcome.cell.path}",
        fix="evaluate both again under one protocol, or show them side by side with --allow-mixed",
    )


def _mixture(differing: Sequence[str], runs: Sequence[Measured], protocols: Sequence[dict[str, Any]]) -> str:
    parts = []
    for name in differing:
        who: dict[str, list[str]] = {}
        for run, protocol in zip(runs, protocols, strict=True):
            who.setdefault(_say(protocol, name), []).append(run.label)
        parts.append(f"{name} " + ", ".join(f"{value} ({', '.join(runs)})" for value, runs in who.items()))
    return f"measured by different protocols, so nothing is marked as best: {'; '.join(parts)}"


def _say(protocol: Mapping[str, Any], name: str) -> str:
    if name not in protocol:
        return "unsaid"
    value = protocol[name]
    return value or "none" if isinstance(value, str) else json.dumps(value, sort_keys=True)


# -- the papers' numbers -------------------------------------------------------------------------------


def reported_columns(dataset: str, shown: Sequence[Column], runs: Sequence[Measured]) -> list[Column]:
    """A column for each table of a paper that reports what a measured column shows."""
    wanted = {(column.of, measure_of(column.metric)) for column in shown}
    found: dict[str, Column] = {}
    for row in (row for run in runs for row in run.outcome.reported):
        for of, value in _values(row).items():
            if value is not None and (of, measure_of(row.metric)) in wanted:
                column = Column(dataset, of, row.metric, reported=row.table)
                found.setdefault(column.key, column)
    return list(found.values())


def reported_value(column: Column, outcomes: Sequence[Outcome]) -> float | None:
    """What a method's paper says in that column."""
    for row in (row for outcome in outcomes for row in outcome.reported):
        value = _values(row)[column.of]
        if (row.table, row.metric) == (column.reported, column.metric) and value is not None:
            return value
    return None


def _values(row: Reported) -> dict[str, float | None]:
    """What a paper reports, by the names of the sets."""
    return {"reconstruction": row.rec, "generation": row.gen}


# -- what metrics say of themselves -----------------------------------------------------------------


def first_measures() -> list[str]:
    """The measures that metrics want shown first."""
    return [name for info in _metrics() for name in info.first]


def measure_of(metric: str) -> str:
    """The measure behind a metric's name: without extractor, and by its general name."""
    general = {own: name for info in _metrics() for name, own in info.also.items()}
    return general.get(bare(metric), bare(metric))


def _metrics() -> list[ComponentInfo]:
    """All metrics that are known: results are read also where the plugin that measured them is not there."""
    found = {info.target: info for info in catalogue.shipped() if info.kind == "metric"}
    return [*(found | {info.target: info for info in registry.list_components("metric")}).values()]
