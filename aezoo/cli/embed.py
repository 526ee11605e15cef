"""`aezoo embed`: a dataset as codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aezoo.cli.options import Run, Trust
from aezoo.cli.output import say


def embed(
    run: Run,
    out: Annotated[
        Path,
        typer.Option(
            help="An .npz of `train`, `test` (float32 [N, m]), and as far as there are any, of both: "
            "`train_mean`, `train_log_var`, `train_labels`, `train_attributes`."
        ),
    ] = Path("codes.npz"),
    trust: Trust = False,
) -> None:
    """Write the codes of the train and the test split, without noise, in the order of their rows."""
    from aezoo import explore
    from aezoo.drawing.export import check_ending, write_arrays
    from aezoo.files import make_directory

    check_ending(out, ".npz")
    arrays = explore.embed(*explore.open_run(run, trust=trust))
    make_directory(out.parent)
    write_arrays(out, **arrays)
    say(out)
