"""What a table of a comparison is made of: frozen values, without an opinion on how they look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Better = Literal["lower", "higher"] | None
Mark = Literal["best", "second", ""]
Rule = Literal["ranges", "intervals", ""]
"""How the best of a column was found: by ranges over few seeds, by intervals over enough, or not at all."""


@dataclass(frozen=True)
class Column:
    """One measure on one dataset.

    of:        the set it was taken of, or whatever else (`codes`)
    metric:    its name as results.json has it, with `[extractor]`
    protocol:  the fields in which all runs agree
    mixed:     whether they disagree in others
    reported:  the table that the numbers were copied from, in a column of a paper's own
    notes:     numbers of footnotes
    marked_by:  how its best was found; nothing where none was looked for
    """

    dataset: str
    of: str
    metric: str
    better: Better = None
    protocol: Mapping[str, Any] = field(default_factory=dict)
    mixed: bool = False
    reported: str = ""
    notes: tuple[int, ...] = ()
    marked_by: Rule = ""

    @property
    def key(self) -> str:
        """Its name within the dataset, such as `generation/fd[classifier-digits]`."""
        return f"{self.of}/{self.metric}" + (f" ({self.reported})" if self.reported else "")

    @property
    def bare(self) -> str:
        """The metric's name without its extractor."""
        return bare(self.metric)

    @property
    def extractor(self) -> str:
        return self.metric[len(self.bare) + 1 : -1]


def bare(metric: str) -> str:
    """The name without its extractor.

    >>> bare("fd[classifier-digits]")
    'fd'
    """
    return metric.partition("[")[0]


@dataclass(frozen=True)
class Entry:
    """What one row says in one column.

    values:   by the seed of the training; none for references and copied numbers
    n:        how many numbers the mean is of
    std:      with ddof 1; None for a single number, and for references, whose numbers differ in no seed
    missing:  why there is no number, or not one for every seed; such an entry is never the best
    """

    values: Mapping[int, float] = field(default_factory=dict)
    mean: float | None = None
    std: float | None = None
    n: int = 0
    mark: Mark = ""
    notes: tuple[int, ...] = ()
    missing: str = ""

    @property
    def competes(self) -> bool:
        return self.mean is not None and not self.missing


@dataclass(frozen=True)
class Facts:
    """What the trainings of a method on a dataset took: means over its finished seeds.

    seeds:       finished ones
    failures:    seed -> why it failed
    parameters:  trainable weights, critics and the like included
    seconds:     of training
    """

    seeds: tuple[int, ...] = ()
    failures: Mapping[int, str] = field(default_factory=dict)
    parameters: float | None = None
    seconds: float | None = None
    images_per_s: float | None = None
    peak_memory_mb: float | None = None
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Row:
    """A method, or a reference to hold methods against.

    entries:    by dataset and the column's key
    facts:      by dataset; none of references
    mean_rank:  over datasets, where there are two or more and it has a place on each
    """

    label: str
    kind: Literal["reference", "method"]
    entries: Mapping[tuple[str, str], Entry]
    facts: Mapping[str, Facts] = field(default_factory=dict)
    mean_rank: float | None = None

    def entry(self, column: Column) -> Entry:
        return self.entries.get((column.dataset, column.key), Entry())


@dataclass(frozen=True)
class Comparison:
    """The exact sign-flip test of a method against the best one of a column.

    n:         seeds that both have
    adjusted:  p after Holm's correction for all comparisons of the column
    smallest, smallest_adjusted:  what these two could be at best with so many seeds
    """

    column: Column
    method: str
    against: str
    n: int
    p: float
    adjusted: float
    smallest: float
    smallest_adjusted: float


@dataclass(frozen=True)
class Table:
    """Methods side by side.

    notes:   footnotes; the first has number 1
    tests:   where a column has six common seeds or more
    ranked:  the columns behind the mean ranks, one for each dataset
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    datasets: tuple[str, ...]
    notes: tuple[str, ...] = ()
    tests: tuple[Comparison, ...] = ()
    ranked: tuple[Column, ...] = ()

    @property
    def methods(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.kind == "method")

    @property
    def seeds(self) -> tuple[int, ...]:
        """All that any method finished."""
        return tuple(
            sorted({seed for row in self.rows for facts in row.facts.values() for seed in facts.seeds})
        )

    @property
    def protocol(self) -> dict[str, Any]:
        """The fields that all measured columns share."""
        return agreement([column.protocol for column in self.columns if not column.reported])

    def of(self, dataset: str) -> tuple[Column, ...]:
        """The columns of a dataset."""
        return tuple(column for column in self.columns if column.dataset == dataset)


def agreement(protocols: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields that are the same in all of them."""
    first = protocols[0] if protocols else {}
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in protocols)
    }
