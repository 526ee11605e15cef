"""Of kept checkpoints: how far the prior is from the codes, and generated rows from real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from aezoo.comparison.grid import Grid
from aezoo.evaluation.checkpoints import each_checkpoint
from aezoo.evaluation.sets import Sets, default_rows
from aezoo.explore import open_run
from aezoo.files import write_text
from aezoo.metrics import frechet_distance, sliced_wasserstein
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data
from aezoo.randomness import generator_for
from aezoo.reproduction.evidence import Curves, Point
from aezoo.rundir.rundir import RunDir
from aezoo.tables.cell import Outcome

FILE = "curve.json"


def curves_of(outcomes: Sequence[Outcome], grid: Grid) -> Curves:
    """The curve of every finished run, measured where its file has not got it yet."""
    found: dict[tuple[str, str], dict[int, Sequence[Point]]] = {}
    for outcome in outcomes:
        if not outcome.failure:
            cell = outcome.cell
            found.setdefault((cell.method, cell.dataset), {})[cell.seed] = curve_of(cell.path, grid.n)
    return found


def curve_of(path: Path, n: int | None) -> list[Point]:
    """A point for each kept checkpoint; kept in the run directory, so that it is measured once.

    Where there is no checkpoint, as beside a page, what was measured is all there is.
    """
    run = RunDir(path)
    asked = {"steps": run.steps(), "n": n}
    file = path / FILE
    if file.is_file():
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["asked"] == (asked if asked["steps"] else asked | {"steps": known["asked"]["steps"]}):
            return list(known["points"])
    model, data = open_run(path)
    points = [_point(model, data, step, n) for step in each_checkpoint(run, model)]
    write_text(file, json.dumps({"asked": asked, "points": points}, indent=1))
    return list(points)


def _point(model: Autoencoder, data: Data, step: int, n: int | None) -> Point:
    """The measures of a model as it is.

    wasserstein:  sliced W2 between codes of test rows and as many draws from the prior, in units of the code
    relative:     the same over the codes' root mean square spread, which a learned prior is free to choose
    fd:           Frechet distance of generated rows to test rows, on x itself
    """
    sets = Sets(model, data, n=min(n or default_rows(data), default_rows(data)))
    codes = torch.cat([model.encode(x.to(model.device)).z.cpu() for x in sets.x_test().split(1000)])
    drawn = model.sample_codes(len(codes), generator_for(model.device, 0, "curve")).cpu()
    distance = sliced_wasserstein(codes, drawn, seed=0)
    spread = float(codes.double().var(dim=0).mean().sqrt())
    generated, real = (sets.rows(name).flatten(1).double() for name in ("generation", "test"))
    return {
        "step": step,
        "wasserstein": distance,
        "relative": distance / max(spread, 1e-12),
        "fd": frechet_distance(generated, real),
    }
