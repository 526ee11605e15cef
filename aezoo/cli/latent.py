"""`aezoo latent`: codes in a plane."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aezoo.cli.options import Run, Trust
from aezoo.cli.output import say


def latent(
    run: Run,
    n: Annotated[
        int | None,
        typer.Option(
            "-n", min=1, help="How many test rows, and codes from the prior; at most 2000 unless said."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which test rows, and what the prior draws.")] = 0,
    out: Annotated[
        Path,
        typer.Option(help="A picture (.png, .svg), or an .npz of `codes`, `prior`, `labels` and `rows`."),
    ] = Path("latent.png"),
    trust: Trust = False,
) -> None:
    """Show codes of test data, coloured by class, and codes from the prior.

    Codes of more than two numbers are shown on their first two principal components.
    """
    from aezoo import explore
    from aezoo.drawing.export import check_ending, write_found
    from aezoo.explore import drawing

    check_ending(out, ".png", ".svg", ".npz")
    model, data = explore.open_run(run, trust=trust)
    found = explore.latent(model, data, n=n, seed=seed)
    arrays = {"codes": found.codes, "prior": found.prior, "rows": found.rows, "labels": found.labels}
    write_found(out, lambda: drawing.latent(found, data.classes), arrays)
    say(out)
