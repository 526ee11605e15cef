"""One training of a comparison, and what came of it. Torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aezoo.config.run import Reported, RunConfig, material


@dataclass(frozen=True)
class Cell:
    """A method on a dataset under a seed.

    method:   what its row is called: the recipe's name, or the run directory's
    dataset:  what its column is called
    seed:     of the training
    config:   everything it is trained from
    path:     its run directory
    """

    method: str
    dataset: str
    seed: int
    config: RunConfig
    path: Path

    @property
    def id(self) -> str:
        """Ten hexadecimal digits of everything that its weights depend on."""
        return content_id(self.config)


@dataclass(frozen=True)
class Outcome:
    """What came of a cell.

    results:   the content of its results.json; empty where it failed
    failure:   why it failed: exit code and the last lines of its log
    rows:      how many results, from the first on, were measured as the comparison asked; the others are
               shown where they are named; none: all were
    reported:  the paper's own numbers for this method and dataset (`recipe.reported` rows)
    """

    cell: Cell
    results: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    rows: int | None = None

    @property
    def reported(self) -> tuple[Reported, ...]:
        return tuple(row for row in self.cell.config.recipe.reported if row.dataset == self.cell.dataset)


def content_id(config: RunConfig) -> str:
    """The same for two configs exactly if the same weights come of them on the same machine.

    The code of parts that are not aezoo's own counts, by distribution, version and hash.
    """
    whose = {"packages": config.packages} if config.packages else {}
    text = json.dumps({**material(config), **whose}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]
