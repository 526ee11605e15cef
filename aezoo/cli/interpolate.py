"""`aezoo interpolate`: from one test image to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from aezoo.cli.options import Run, Trust
from aezoo.cli.output import say


def interpolate(
    run: Run,
    n: Annotated[int, typer.Option("-n", min=1, help="How many pairs of test images: a row each.")] = 8,
    steps: Annotated[
        int, typer.Option(min=2, help="Images on the way; an odd number shows its middle.")
    ] = 11,
    mode: Annotated[
        Literal["linear", "spherical"],
        typer.Option(help="A straight line, or an arc of interpolated radius."),
    ] = "linear",
    real: Annotated[bool, typer.Option("--real/--no-real", help="The real images at both ends.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Which pairs.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            help="A picture (.png, .svg), or an .npz of `x_hat`, `codes`, real `x` and their `rows`."
        ),
    ] = Path("interpolation.png"),
    trust: Trust = False,
) -> None:
    """Show what lies between pairs of test images: their codes' path, decoded."""
    from aezoo import explore
    from aezoo.drawing.export import check_ending, write_found
    from aezoo.explore import drawing

    check_ending(out, ".png", ".svg", ".npz")
    model, data = explore.open_run(run, trust=trust)
    check_ending(out, ".png", ".svg", ".npz", shape=data.shape)
    found = explore.interpolate(model, data, n=n, steps=steps, mode=mode, seed=seed)
    write_found(out, lambda: drawing.interpolation(found, data.range or (0.0, 1.0), real=real), vars(found))
    say(out)
