"""`aezoo sample`: new images out of a run, or of several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aezoo.cli.options import Trust
from aezoo.cli.output import say


def sample(
    runs: Annotated[
        list[Path], typer.Argument(help="A run directory; of several, a picture with a row for each.")
    ],
    n: Annotated[int | None, typer.Option("-n", min=1, help="How many of each; 64, or 12 a row.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="All randomness follows from it.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            help="grid.png, samples.npz (float32 [n, *shape] as `x`), or a directory of PNGs; "
            "of several runs .png, .svg or .npz."
        ),
    ] = Path("grid.png"),
    trust: Trust = False,
) -> None:
    """Draw new images from trained models."""
    if len(runs) > 1:
        _side_by_side(runs, n or 12, seed, out, trust=trust)
    else:
        _of_one(runs[0], n or 64, seed, out, trust=trust)
    say(out)


def _of_one(run: Path, n: int, seed: int, out: Path, *, trust: bool) -> None:
    from aezoo.drawing.export import write_rows
    from aezoo.randomness import generator_for
    from aezoo.rundir.load import load

    model = load(run, trust=trust)
    write_rows(out, model.sample(n, generator_for(model.device, seed, "sample")), model.range)


def _side_by_side(runs: list[Path], n: int, seed: int, out: Path, *, trust: bool) -> None:
    from aezoo import explore
    from aezoo.drawing.export import check_ending, write_found
    from aezoo.explore import drawing

    check_ending(out, ".png", ".svg", ".npz")
    found = explore.lineup(runs, n=n, seed=seed, trust=trust)
    check_ending(out, ".png", ".svg", ".npz", shape=tuple(found.x.shape[1:]))
    write_found(
        out, lambda: drawing.lineup(found, found.range or (0.0, 1.0)), {"test": found.x, **found.x_hat}
    )
