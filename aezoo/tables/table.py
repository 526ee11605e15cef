"""One table from many runs: what every renderer shows. Torch-free.

A mean over seeds says nothing without the protocol behind it, so numbers of different protocols never stand
in one column unasked. References and the papers' own numbers never compete for the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, final

from aezoo.errors import ConfigError
from aezoo.evaluation.names import FLOOR, OWN, RECONSTRUCTION, REFERENCES
from aezoo.registry import registry
from aezoo.tables.cell import Outcome
from aezoo.tables.columns import (
    Key,
    Measured,
    choose,
    column_of,
    first_measures,
    measure_of,
    protocol_of,
    read,
    reported_columns,
    reported_value,
)
from aezoo.tables.entries import Column, Comparison, Entry, Facts, Row, Table
from aezoo.tables.marks import mark, mean_ranks, rule_of, tests
from aezoo.tables.statistics import mean_and_std

__all__ = ["Column", "Comparison", "Entry", "Facts", "Row", "Table", "build"]

NOT_MEASURED = "not measured in this run: `aezoo evaluate` adds it"
REPORTED = (
    "copied from the paper, measured by its own protocol: not to be compared with any other column, never "
    "marked as best"
)
Runs = Sequence[Measured]


@final
class _Notes:
    """Footnotes in the order they were made; equal ones share their number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, *texts: str) -> tuple[int, ...]:
        return tuple(self._numbers.setdefault(text, len(self._numbers) + 1) for text in texts)

    def texts(self) -> tuple[str, ...]:
        return tuple(self._numbers)


def build(
    outcomes: Sequence[Outcome], columns: Sequence[str] | None = None, *, allow_mixed: bool = False
) -> Table:
    """The table of all outcomes: a row for each method, the columns dataset by dataset.

    columns:      metrics by name, such as `sse`, `fd`, `fd[pixels]`, `generation/fd`; without: of
                  reconstructions those that their metrics want first, and all measures of generated sets
    allow_mixed:  let numbers of different protocols stand in one column, with a footnote and no best

    Raises:  ConfigError for no outcomes, for two of the same method, dataset and seed, for measures that no
             run has, and for mixed protocols that are not allowed
    """
    _check(outcomes)
    runs = [read(outcome) for outcome in outcomes]
    by_dataset: dict[str, list[Measured]] = {}
    for run in runs:
        by_dataset.setdefault(run.outcome.cell.dataset, []).append(run)
    notes = _Notes()
    shown = _columns(by_dataset, columns, notes, allow_mixed=allow_mixed)
    methods = _distinct(outcome.cell.method for outcome in outcomes)
    entries = [_entries(column, methods, by_dataset[column.dataset], notes) for column in shown]
    shown = [_ruled(column, some) for column, some in zip(shown, entries, strict=True)]
    ranked = _ranking_columns(shown, entries)
    places = mean_ranks(ranked)
    rows = [_method(name, shown, entries, by_dataset, notes, places.get(name)) for name in methods]
    return Table(
        columns=tuple(shown),
        rows=(*_references(shown, by_dataset, notes), *rows),
        datasets=tuple(by_dataset),
        notes=notes.texts(),
        tests=tuple(
            test for column, some in zip(shown, entries, strict=True) for test in tests(column, some)
        ),
        ranked=tuple(column for column, _ in ranked) if places else (),
    )


def _check(outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        raise ConfigError("there are no runs to compare", fix="name recipes or run directories")
    seen: dict[tuple[str, str, int], Outcome] = {}
    for outcome in outcomes:
        cell = outcome.cell
        other = seen.setdefault((cell.method, cell.dataset, cell.seed), outcome)
        if other is not outcome:
            raise ConfigError(
                f"two runs are both '{cell.method}' on {cell.dataset} with seed {cell.seed}",
                where=f"{other.cell.path} and {cell.path}",
                fix="name one of them, or give them different names",
            )


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _of(method: str, runs: Runs) -> Runs:
    return [run for run in runs if run.outcome.cell.method == method]


# -- columns -------------------------------------------------------------------------------------------


def _columns(
    by_dataset: Mapping[str, Runs], names: Sequence[str] | None, notes: _Notes, *, allow_mixed: bool
) -> list[Column]:
    found = {
        dataset: list(dict.fromkeys(key for run in runs for key in (run.results if names else run.asked)))
        for dataset, runs in by_dataset.items()
    }
    shown: list[Column] = []
    for dataset, keys in choose(found, names).items():
        runs = by_dataset[dataset]
        measured = [_measured_column(dataset, key, runs, notes, allow_mixed=allow_mixed) for key in keys]
        reported = reported_columns(dataset, measured, runs)
        shown += [*measured, *(replace(column, notes=notes(REPORTED)) for column in reported)]
    return shown


def _measured_column(dataset: str, key: Key, runs: Runs, notes: _Notes, *, allow_mixed: bool) -> Column:
    column, mixture = column_of(dataset, key, runs, allow_mixed=allow_mixed)
    caveat = registry.caveat_of(column.extractor)
    said = [text for text in (mixture, caveat and f"{column.extractor}: {caveat}") if text]
    return replace(column, notes=notes(*said))


# -- entries -------------------------------------------------------------------------------------------


def _entries(column: Column, methods: Sequence[str], runs: Runs, notes: _Notes) -> dict[str, Entry]:
    """A column's entries, by method."""
    if column.reported:
        return {name: _copy(column, _of(name, runs)) for name in methods}
    found = {name: _entry(column, _of(name, runs), notes) for name in methods}
    return found if column.mixed else mark(found, column.better)


def _ruled(column: Column, entries: Mapping[str, Entry]) -> Column:
    marked = not column.reported and not column.mixed
    return replace(column, marked_by=rule_of(entries, column.better) if marked else "")


def _copy(column: Column, runs: Runs) -> Entry:
    value = reported_value(column, [run.outcome for run in runs])
    return Entry() if value is None else Entry(mean=value, n=1)


def _entry(column: Column, runs: Runs, notes: _Notes) -> Entry:
    finished = {run.outcome.cell.seed: run for run in runs if not run.outcome.failure}
    if not finished:
        return Entry(missing="failed" if runs else "not run")
    results = {seed: run.results.get((column.of, column.metric)) for seed, run in sorted(finished.items())}
    values = {seed: row["value"] for seed, row in results.items() if row is not None and _is_number(row)}
    spoilt = {seed: _why(row) for seed, row in results.items() if row is not None and seed not in values}
    absent = [seed for seed, row in results.items() if row is None]
    mean, std = mean_and_std(list(values.values())) if values else (None, None)
    missing = "; ".join(_distinct(spoilt.values())) or ("" if values else NOT_MEASURED)
    said = notes(*_say(spoilt, absent, len(finished)))
    return Entry(values, mean, std, len(values), notes=said, missing=missing)


def _is_number(row: Mapping[str, Any]) -> bool:
    return row["value"] is not None and math.isfinite(row["value"])


def _why(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return str(row.get("why") or "no value, and results.json gives no reason")
    return f"{row['value']} is no finite number"


def _say(spoilt: Mapping[int, str], absent: Sequence[int], seeds: int) -> list[str]:
    """What footnotes say of seeds without a number: the bare reason where it is the same for all of them."""
    reasons = dict(spoilt) | dict.fromkeys(absent, NOT_MEASURED)
    by_reason: dict[str, list[int]] = {}
    for seed, reason in sorted(reasons.items()):
        by_reason.setdefault(reason, []).append(seed)
    return [
        reason if len(some) == seeds else f"seed {', '.join(map(str, some))}: {reason}"
        for reason, some in by_reason.items()
    ]


# -- rows ----------------------------------------------------------------------------------------------


def _method(
    name: str,
    columns: Sequence[Column],
    entries: Sequence[Mapping[str, Entry]],
    by_dataset: Mapping[str, Runs],
    notes: _Notes,
    place: float | None,
) -> Row:
    found = {(column.dataset, column.key): some[name] for column, some in zip(columns, entries, strict=True)}
    facts = {dataset: _facts(dataset, _of(name, runs), notes) for dataset, runs in by_dataset.items()}
    return Row(name, "method", found, facts, place)


def _facts(dataset: str, runs: Runs, notes: _Notes) -> Facts:
    finished = [run.outcome for run in runs if not run.outcome.failure]
    failures = {run.outcome.cell.seed: run.outcome.failure for run in runs if run.outcome.failure}
    said = [f"seed {seed} failed: {reason}" for seed, reason in sorted(failures.items())]
    said += [] if runs else [f"not run on {dataset}"]
    results = [outcome.results for outcome in finished]
    return Facts(
        seeds=tuple(sorted(outcome.cell.seed for outcome in finished)),
        failures=failures,
        parameters=_whole(_mean(sum(one["parameters"].values()) for one in results if one.get("parameters"))),
        seconds=_mean(one.get("seconds") for one in results),
        images_per_s=_mean(one.get("images_per_s") for one in results),
        peak_memory_mb=_mean(one.get("peak_memory_mb") for one in results),
        notes=notes(*said),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return math.fsum(known) / len(known) if known else None


def _whole(value: float | None) -> float | None:
    """An int where it is one: counts that are alike for all seeds."""
    return int(value) if value is not None and value.is_integer() else value


def _references(columns: Sequence[Column], by_dataset: Mapping[str, Runs], notes: _Notes) -> list[Row]:
    """A row for each reference that has a number anywhere.

    Other training rows are a floor for what is generated. A reconstruction is made from the test row itself,
    and may be nearer to it than any other row is: there the floor is none.
    """
    rows = []
    for name, label in REFERENCES.items():
        entries = {
            (column.dataset, column.key): _reference(column, name, by_dataset[column.dataset], notes)
            for column in columns
            if column.of in OWN and not column.reported and (name, column.of) != (FLOOR, RECONSTRUCTION)
        }
        if any(entry.n for entry in entries.values()):
            rows.append(Row(label, "reference", entries))
    return rows


def _reference(column: Column, name: str, runs: Runs, notes: _Notes) -> Entry:
    """The mean over all runs: they measured the same sets, if by the same protocol."""
    results = [run.results[name, column.metric] for run in runs if (name, column.metric) in run.results]
    if not results:
        return Entry(missing="not measured")
    if any(protocol_of(one) != protocol_of(results[0]) for one in results):
        why = "measured by different protocols: there is no one number"
        return Entry(missing=why, notes=notes(why))
    values = [one["value"] for one in results if _is_number(one)]
    if not values:
        why = _why(results[0])
        return Entry(missing=why, notes=notes(why))
    return Entry(mean=math.fsum(values) / len(values), n=len(values))


def _ranking_columns(
    columns: Sequence[Column], entries: Sequence[Mapping[str, Entry]]
) -> list[tuple[Column, Mapping[str, Entry]]]:
    """For each dataset the column that ranks its methods: of generated sets the first measure that its metric
    wants first; where there is none, the first column that has a direction."""
    chosen: dict[str, tuple[Column, Mapping[str, Entry]]] = {}
    fitting = [
        (column, some)
        for column, some in zip(columns, entries, strict=True)
        if column.better and not column.mixed and not column.reported
    ]
    first = [
        pair
        for pair in fitting
        if pair[0].of == "generation" and measure_of(pair[0].metric) in first_measures()
    ]
    for column, some in [*first, *fitting]:
        chosen.setdefault(column.dataset, (column, some))
    return [
        chosen[dataset] for dataset in _distinct(column.dataset for column in columns) if dataset in chosen
    ]
