"""`aezoo traverse`: test images with more and less of an attribute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aezoo.cli.options import Run, Trust
from aezoo.cli.output import say
from aezoo.errors import ConfigError


def traverse(
    run: Run,
    attribute: Annotated[
        str, typer.Option(help="An attribute's name, a class by name or number, or A,B: to class A from B.")
    ],
    n: Annotated[int, typer.Option("-n", min=1, help="How many test images without it: a row each.")] = 8,
    range: Annotated[str, typer.Option(help="First and last multiple of the direction.")] = "-2,2",
    steps: Annotated[int, typer.Option(min=2, help="Multiples, at equal distances.")] = 9,
    seed: Annotated[int, typer.Option(min=0, help="Which test images.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            help="A picture (.png, .svg), or an .npz of `x_hat`, `codes`, `direction`, `multiples`, real `x` "
            "and their `rows`."
        ),
    ] = Path("traversal.png"),
    trust: Trust = False,
) -> None:
    """Add multiples of an attribute's direction to test images that do not have it.

    The direction is the mean code of training images with the attribute minus that of those without.
    """
    from aezoo import explore
    from aezoo.drawing.export import check_ending, write_found
    from aezoo.explore import drawing

    check_ending(out, ".png", ".svg", ".npz")
    ends = _ends(range)
    model, data = explore.open_run(run, trust=trust)
    check_ending(out, ".png", ".svg", ".npz", shape=data.shape)
    found = explore.traverse(model, data, attribute, n=n, range=ends, steps=steps, seed=seed)
    write_found(out, lambda: drawing.traversal(found, data.range or (0.0, 1.0)), vars(found))
    say(out)


def _ends(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as err:
        raise ConfigError(
            f"'{text}' is no range",
            where="--range",
            fix="give two numbers with a comma, such as --range -2,2",
        ) from err
    return low, high
