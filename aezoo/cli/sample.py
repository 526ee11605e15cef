"""`aezoo sample`: new images out of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sample(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    n: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="All randomness follows from it.")] = 0,
    out: Annotated[
        Path, typer.Option(help="grid.png, samples.npz (float32 [n, *shape] as `x`), or a directory of PNGs.")
    ] = Path("grid.png"),
) -> None:
    """Draw new images from a trained model."""
    from aezoo.randomness import generator_for
    from aezoo.runner import load
    from aezoo.written import write_rows

    model = load(run)
    write_rows(out, model.sample(n, generator_for(model.device, seed, "sample")), model.range)
    print(out)
