"""`aezoo reproduce`: an experiment to finished runs, verdicts and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aezoo.comparison.compare import executor_of, run_grid
from aezoo.reproduction.claims import Verdict
from aezoo.reproduction.evidence import Evidence, evidence_of, verdicts_on
from aezoo.reproduction.experiment import Experiment, Scale, cells_of
from aezoo.tables.cell import Outcome
from aezoo.training.progress import Progress


@dataclass(frozen=True)
class Reproduced:
    """What came of an experiment.

    verdicts:  one for each claim, in their order
    """

    outcomes: Sequence[Outcome]
    found: Evidence
    verdicts: Sequence[Verdict]


def reproduce(
    experiment: Experiment,
    *,
    scale: Scale = "small",
    home: Path = Path("runs"),
    jobs: int | None = None,
    data_root: str = "",
    download: bool = False,
    progress: Progress | None = None,
) -> Reproduced:
    """Train what is missing, measure all alike, and judge every claim.

    home:  where the runs are kept; a finished one is never trained twice
    jobs:  processes at a time; none: a GPU each, or a processor core each
    data_root, download:  where public datasets are, and whether to fetch those that are missing
    """
    grid = cells_of(experiment, scale, home, data_root=data_root, download=download)
    outcomes = run_grid(grid, executor_of("local", home, jobs), progress, jobs=jobs)
    curves = {}
    if experiment.curve:
        from aezoo.reproduction.curves import curves_of

        curves = dict(curves_of(outcomes, grid))
    found = evidence_of(outcomes, curves)
    return Reproduced(outcomes, found, verdicts_on(experiment.claim, found))
