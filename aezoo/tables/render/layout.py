"""What all renderings for people share: a table as blocks of text, a block for each dataset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from aezoo.evaluation.digits import decimals, number
from aezoo.tables.entries import Column, Comparison, Entry, Facts, Mark, Row, Table
from aezoo.tables.statistics import LEAST_SEEDS

ARROWS = {"lower": "↓", "higher": "↑"}
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours and the like, as logs have them
LONGEST = 400  # characters of a footnote; of a longer one, such as a log, beginning and end are kept


@dataclass(frozen=True)
class Head:
    """Of a column: what its numbers are of (shared by neighbours), their name, which end is good."""

    group: str
    title: str
    better: str = ""
    notes: tuple[int, ...] = ()

    @property
    def arrow(self) -> str:
        return ARROWS.get(self.better, "")


@dataclass(frozen=True)
class Item:
    """One number as text, `12.3 ± 0.4`, and as it is."""

    text: str = ""
    mark: Mark = ""
    notes: tuple[int, ...] = ()
    value: float | None = None


@dataclass(frozen=True)
class Line:
    label: str
    reference: bool
    items: tuple[Item, ...]
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Block:
    """A table of its own. No heads: nothing was measured, and the lines only say why."""

    title: str
    caption: str
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """What neighbouring heads share, and how many do."""
        return [(name, len(list(heads))) for name, heads in groupby(self.heads, key=lambda head: head.group)]


def blocks(table: Table) -> list[Block]:
    """A block for each dataset, and one for the mean ranks if there are any."""
    found = [_block(table, dataset) for dataset in table.datasets]
    return [*found, _ranking(table)] if table.ranked else found


def legend(table: Table, best: str, second: str) -> list[str]:
    """How to read the numbers.

    best, second:  how the two look in this rendering
    """
    lines = []
    if any(entry.std is not None for row in table.rows for entry in row.entries.values()):
        lines.append(
            "mean ± standard deviation over seeds (n: how many); ↓ lower is better, ↑ higher is better"
        )
    elif table.columns:
        lines.append("one seed each: no deviation; ↓ lower is better, ↑ higher is better")
    rules = {column.marked_by for column in table.columns}
    if "ranges" in rules:
        lines.append(
            f"fewer than {LEAST_SEEDS} common seeds: {best} best, {second} second, only where the range over "
            "its seeds overlaps that of none behind it; no ties are marked, and nothing of a single seed"
        )
    if "intervals" in rules:
        lines.append(
            f"{LEAST_SEEDS} common seeds or more: {best} best, {second} second; marked alike are those whose "
            "paired difference to it has a 95 % interval with 0 in it"
        )
    return [*lines, *_tests(table)]


def notes(table: Table) -> list[str]:
    """The footnotes, each on one line."""
    return [shorten(clean(text)) for text in table.notes]


def clean(text: str) -> str:
    """Text on one line, without what would steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in _ESCAPES.sub("", text)).split())


def shorten(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 4]} … {text[-3 * LONGEST // 4 :]}"


# -- blocks --------------------------------------------------------------------------------------------


def _block(table: Table, dataset: str) -> Block:
    columns = table.of(dataset)
    extractors = {column.extractor for column in columns} - {""}
    alone = extractors.pop() if len(extractors) == 1 else ""  # of all columns that have one: said once
    facts = [name for name in _FACTS if any(getattr(_facts(row, dataset), name) for row in table.methods)]
    places = {column.key: _decimals(column, table.rows) for column in columns}
    rows = [row for row in table.rows if row.kind == "method" or any(row.entry(c).n for c in columns)]
    return Block(
        title=clean(dataset),
        caption=_caption(columns, alone),
        heads=(
            Head("", "n"),
            *(_head(column, alone) for column in columns),
            *(Head("training", _FACTS[name][0]) for name in facts),
        ),
        lines=tuple(_line(row, dataset, columns, places, facts) for row in rows),
    )


def _head(column: Column, alone: str) -> Head:
    title = column.bare if column.extractor == alone else column.metric
    if column.reported:
        return Head(
            clean(f"reported, {column.reported}"), clean(f"{_OF[column.of]} {title}"), "", column.notes
        )
    return Head(clean(column.of), clean(title), column.better or "", column.notes)


_OF = {"reconstruction": "rec.", "generation": "gen."}  # as the papers' tables have it


def _caption(columns: Sequence[Column], alone: str) -> str:
    """The protocol in one sentence, as far as all columns share it."""
    measured = [column for column in columns if not column.reported]
    if not measured:
        return "nothing was measured"
    said = [f"features of {alone}"] if alone else []
    for name, phrase in _PHRASES.items():
        values = {column.protocol.get(name) for column in measured}
        if len(values) == 1 and (value := values.pop()) is not None:
            said.append(phrase.format(value))
    return clean(", ".join(said))


_PHRASES = {
    "n_real": "{} real rows",
    "split": "{} split",
    "n_fake": "{} rows of each set",
    "checkpoint": "checkpoint {}",
    "seed": "evaluation seed {}",
}


def _line(
    row: Row, dataset: str, columns: Sequence[Column], places: dict[str, int | None], facts: Sequence[str]
) -> Line:
    taken = _facts(row, dataset)
    items = [_item(row, column, places[column.key], len(taken.seeds)) for column in columns]
    return Line(
        clean(row.label),
        row.kind == "reference",
        (_count(taken), *items, *(_fact(taken, name) for name in facts)),
        taken.notes,
    )


def _count(facts: Facts) -> Item:
    """How many seeds finished; nothing where none was begun."""
    n = len(facts.seeds)
    return Item(str(n), value=n) if n or facts.failures else Item()


def _item(row: Row, column: Column, places: int | None, seeds: int) -> Item:
    entry = row.entry(column)
    if entry.mean is None:
        said = "failed" if entry.missing == "failed" else "-" if entry.notes else ""
        return Item(said, notes=entry.notes)
    text = number(entry.mean, places)
    if entry.std is not None:
        text += f" ± {number(entry.std, places)}"
    if row.kind == "method" and not column.reported and entry.n != seeds:
        text += f" (n={entry.n})"
    return Item(text, entry.mark, entry.notes, entry.mean)


def _ranking(table: Table) -> Block:
    placed = sorted(
        (row for row in table.methods if row.mean_rank is not None), key=lambda row: row.mean_rank or 0
    )
    by = ", ".join(f"{column.key} on {column.dataset}" for column in table.ranked)
    unplaced = ", ".join(row.label for row in table.methods if row.mean_rank is None)
    without = f"; without a place everywhere: {unplaced}" if unplaced else ""
    return Block(
        title=f"over {len(table.ranked)} datasets",
        caption=clean(f"mean place by {by}{without}"),
        heads=(Head("", "mean rank", "lower"),),
        lines=tuple(
            Line(clean(row.label), False, (Item(f"{row.mean_rank:.2f}", value=row.mean_rank),))
            for row in placed
        ),
    )


# -- facts ---------------------------------------------------------------------------------------------


_FACTS = {
    "parameters": ("parameters", 0),
    "seconds": ("seconds", 1),
    "images_per_s": ("images/s", 0),
    "peak_memory_mb": ("peak MB", 0),
}
"""What of `Facts` is shown: title, decimals."""


def _fact(facts: Facts, name: str) -> Item:
    value: float | None = getattr(facts, name)
    return Item() if value is None else Item(number(value, _FACTS[name][1]), value=value)


def _facts(row: Row, dataset: str) -> Facts:
    return row.facts.get(dataset, Facts())


# -- numbers -------------------------------------------------------------------------------------------


def _decimals(column: Column, rows: Sequence[Row]) -> int | None:
    """Decimals for all numbers of a column: as many as a paper gives, or three digits of the smallest.

    Means that are smaller than their deviation have the digits of that.
    """
    entries = [(row.kind, row.entry(column)) for row in rows]
    if column.reported:
        return max(_copied_decimals(entry) for _, entry in entries)
    ours = [
        max(abs(entry.mean), entry.std or 0.0) for kind, entry in entries if kind == "method" and entry.mean
    ]
    return decimals(ours, beside=[entry.mean for kind, entry in entries if kind != "method" and entry.mean])


def _copied_decimals(entry: Entry) -> int:
    return 0 if entry.mean is None else len(f"{entry.mean:.6f}".rstrip("0").partition(".")[2])


# -- tests ---------------------------------------------------------------------------------------------


def _tests(table: Table) -> list[str]:
    """A sentence for each column that was tested; one that says why none was."""
    if table.tests:
        by_column = groupby(
            table.tests, key=lambda test: (test.column.dataset, test.column.key, test.against)
        )
        return [_sentence(list(tests)) for _, tests in by_column]
    if len(table.methods) > 1 and table.seeds:
        return [f"no test: it takes {LEAST_SEEDS} seeds that two methods share"]
    return []


def _sentence(tests: Sequence[Comparison]) -> str:
    first = tests[0]
    each = ", ".join(f"{clean(test.method)} p = {test.p:.3g} (Holm {test.adjusted:.3g})" for test in tests)
    least = min(tests, key=lambda test: test.smallest)
    return (
        f"exact sign-flip test, {clean(first.column.key)} on {clean(first.column.dataset)}, against "
        f"{clean(first.against)} over {least.n} seeds: {each}; smallest reachable p {least.smallest:.3g} "
        f"(Holm {least.smallest_adjusted:.3g})"
    )
