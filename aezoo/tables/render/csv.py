"""RFC 4180 with a header, a line for each method (or reference), dataset and measure: what pandas calls long.

`read_csv(file).pivot(index="recipe", columns=["dataset", "of", "metric"], values="mean")` is the wide form.
A method without any measure on a dataset, such as one that failed, has one line there with an empty metric.
Numbers are numbers, also below zero; a text that would be a formula begins with an apostrophe.
Empty fields: no such number. Protocol fields are empty too where the runs of a column disagree in them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from aezoo.tables.entries import Column, Facts, Row, Table

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
FACTS = ("parameters", "seconds", "images_per_s", "peak_memory_mb")
PROTOCOL = ("split", "n_real", "n_fake", "extractor", "weights_sha256", "checkpoint")
FIELDS = (
    *("kind", "recipe", "dataset", "of", "metric", "better", "mean", "std", "n", "mark", "missing", "table"),
    *("mean_rank", "seeds", "failed_seeds", *FACTS, "mixed_protocols", *PROTOCOL, "marked_by"),
)
"""kind:     method, reference, or reported for a number copied from the paper, whose `table` it is
seeds:    finished ones, such as `0 1 2`; numbers are full precision
marked_by:  how the best of the column was found: ranges (few seeds), intervals, or not at all
"""


def render(table: Table) -> str:
    """All entries; lines end in CR LF."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, restval="")
    writer.writeheader()
    writer.writerows(
        {name: _cell(value) for name, value in line.items()}
        for row in table.rows
        for dataset in table.datasets
        for line in _lines(table, row, dataset)
    )
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A value as it is; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _lines(table: Table, row: Row, dataset: str) -> Iterator[dict[str, Any]]:
    columns = [column for column in table.of(dataset) if _says(row, column)]
    facts = row.facts.get(dataset)
    if facts is None:
        yield from ({**_head(row, dataset), **_entry(row, column)} for column in columns)
        return
    shared = {**_head(row, dataset), **_facts(facts)}
    yield from ({**shared, **_entry(row, column)} for column in columns)
    if not columns:
        yield {**shared, "missing": _why(facts)}


def _says(row: Row, column: Column) -> bool:
    """Whether there is a number, or a reason of its own for its absence."""
    entry = row.entry(column)
    return bool(entry.n or entry.notes)


def _head(row: Row, dataset: str) -> dict[str, Any]:
    return {"kind": row.kind, "recipe": row.label, "dataset": dataset, "mean_rank": row.mean_rank}


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "seeds": " ".join(map(str, facts.seeds)),
        "failed_seeds": " ".join(map(str, facts.failures)),
        **{name: getattr(facts, name) for name in FACTS},
    }


def _why(facts: Facts) -> str:
    failed = [f"seed {seed} failed: {reason}" for seed, reason in facts.failures.items()]
    return "; ".join(failed) or ("not measured" if facts.seeds else "not run")


def _entry(row: Row, column: Column) -> dict[str, Any]:
    entry = row.entry(column)
    numbers = {name: getattr(entry, name) for name in ("mean", "std", "n", "mark", "missing")}
    name = {"of": column.of, "metric": column.metric, "better": column.better}
    if column.reported:
        return {**name, **numbers, "kind": "reported", "table": column.reported}
    protocol = {field: column.protocol.get(field) for field in PROTOCOL}
    return {**name, **numbers, **protocol, "mixed_protocols": column.mixed, "marked_by": column.marked_by}
