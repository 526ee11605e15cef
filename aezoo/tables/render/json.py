"""JSON that other programs rely on.

    {protocol, rows: [{recipe, dataset, seeds, metrics: {name: {mean, std, n, ...}}, ...}], ...}

Keys are added over time, never renamed. A row is a method on a dataset; numbers have full precision, and one
that does not exist is null. `protocol` holds what all numbers share, and under `columns` by dataset and name
what each has besides; a field in which the runs of one column disagree is in neither.
"""

from __future__ import annotations

import json
from typing import Any

from aezoo.tables.entries import Comparison, Entry, Facts, Row, Table


def render(table: Table) -> str:
    """One document."""
    document = {
        "protocol": {**table.protocol, "columns": _columns(table)},
        "rows": [_row(table, row, dataset) for row in table.methods for dataset in table.datasets],
        "references": [
            {"name": row.label, "dataset": dataset, "metrics": _metrics(table, row, dataset)}
            for row in table.rows
            if row.kind == "reference"
            for dataset in table.datasets
        ],
        "tests": [_test(test) for test in table.tests],
        "ranked_by": [{"dataset": column.dataset, "metric": column.key} for column in table.ranked],
        "notes": list(table.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _columns(table: Table) -> dict[str, dict[str, Any]]:
    shared = table.protocol
    return {
        dataset: {
            column.key: {
                "better": column.better,
                "mixed": column.mixed,
                "marked_by": column.marked_by,
                "notes": list(column.notes),
                **{name: value for name, value in column.protocol.items() if name not in shared},
            }
            for column in table.of(dataset)
            if not column.reported
        }
        for dataset in table.datasets
    }


def _row(table: Table, row: Row, dataset: str) -> dict[str, Any]:
    return {
        "recipe": row.label,
        "dataset": dataset,
        **_facts(row.facts.get(dataset, Facts())),
        "metrics": _metrics(table, row, dataset),
        "reported": [
            {"table": column.reported, "of": column.of, "metric": column.metric, "value": mean}
            for column in table.of(dataset)
            if column.reported and (mean := row.entry(column).mean) is not None
        ],
        "mean_rank": row.mean_rank,
    }


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "seeds": list(facts.seeds),
        "failures": dict(facts.failures),
        "parameters": facts.parameters,
        "seconds": facts.seconds,
        "images_per_s": facts.images_per_s,
        "peak_memory_mb": facts.peak_memory_mb,
        "notes": list(facts.notes),
    }


def _metrics(table: Table, row: Row, dataset: str) -> dict[str, Any]:
    """Those that the row has a number for, or a reason of their own why not."""
    entries = {column.key: row.entry(column) for column in table.of(dataset) if not column.reported}
    return {key: _entry(entry) for key, entry in entries.items() if entry.n or entry.missing}


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "mean": entry.mean,
        "std": entry.std,
        "n": entry.n,
        "mark": entry.mark,
        "values": dict(entry.values),
        "missing": entry.missing,
        "notes": list(entry.notes),
    }


def _test(test: Comparison) -> dict[str, Any]:
    return {
        "dataset": test.column.dataset,
        "metric": test.column.key,
        "recipe": test.method,
        "against": test.against,
        "n": test.n,
        "p": test.p,
        "holm": test.adjusted,
        "smallest_p": test.smallest,
        "smallest_holm": test.smallest_adjusted,
    }
