"""`aezoo neighbours`: new images beside the training images nearest to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aezoo.cli.options import Run, Trust
from aezoo.cli.output import say


def neighbours(
    run: Run,
    n: Annotated[int, typer.Option("-n", min=1, help="How many new images: a row each.")] = 8,
    k: Annotated[int, typer.Option("-k", min=1, help="How many neighbours of each.")] = 4,
    space: Annotated[
        str, typer.Option(help="The extractor that tells what is near; none: pixel by pixel.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Which new images: those of `aezoo sample`.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            help="A picture (.png, .svg), or an .npz of `x_hat`, `distance`, `index` and `nearest`."
        ),
    ] = Path("neighbours.png"),
    trust: Trust = False,
) -> None:
    """Show whether a model copies: each new image and its nearest training images, nearest first."""
    from aezoo import explore
    from aezoo.drawing.export import check_ending, write_found
    from aezoo.explore import drawing
    from aezoo.explore.nearest import space as space_of
    from aezoo.registry.trust import allow_classes
    from aezoo.rundir.open import read_config
    from aezoo.rundir.rundir import RunDir

    check_ending(out, ".png", ".svg", ".npz")
    allow_classes(space)
    model, data = explore.open_run(run, trust=trust)
    check_ending(out, ".png", ".svg", ".npz", shape=data.shape)
    features = space_of(space, read_config(RunDir(run), warn=False), data)
    found = explore.neighbours(model, data, n=n, k=k, seed=seed, features=features)
    write_found(out, lambda: drawing.neighbours(found, data.range or (0.0, 1.0), space=space), vars(found))
    say(out)
