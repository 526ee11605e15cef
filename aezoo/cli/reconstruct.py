"""`aezoo reconstruct`: test images beside what the model makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aezoo.cli.options import Run, Trust
from aezoo.cli.output import say


def reconstruct(
    run: Run,
    n: Annotated[int, typer.Option("-n", min=1, help="How many test images, from the first on.")] = 32,
    out: Annotated[
        Path,
        typer.Option(help="pairs.png (real above reconstructed), or rows.npz with `x` and `x_hat`."),
    ] = Path("reconstructions.png"),
    trust: Trust = False,
) -> None:
    """Reconstruct images of the run's test split by way of the posterior's mean."""
    from aezoo import explore
    from aezoo.drawing.export import write_pairs

    model, data = explore.open_run(run, trust=trust)
    x = data.x(data.test.values[:n])
    write_pairs(out, x, model.reconstruct(x), model.range)
    say(out)
