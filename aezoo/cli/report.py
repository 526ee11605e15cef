"""`aezoo report`: runs as one page that opens from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aezoo.cli.options import AllowMixed, Columns, Quiet, names


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run directories.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page; without it RUN/report.html, or report.html here for several runs.",
            show_default=False,
        ),
    ] = None,
    columns: Columns = "",
    allow_mixed: AllowMixed = False,
    quiet: Quiet = False,
) -> None:
    """Put runs side by side on one page of HTML: numbers, pictures, curves, settings, provenance.

    One file, which loads nothing from elsewhere. What is missing in a run is said in its place.
    """
    from dataclasses import replace

    from aezoo.explore.gallery import gallery
    from aezoo.files import write_text
    from aezoo.report import of_runs, render
    from aezoo.training.progress import Bar, Silence

    file = out or (runs[0] / "report.html" if len(runs) == 1 else Path("report.html"))
    page = of_runs(runs)
    looks = gallery({view.label: view.path for view in page.views}, Silence() if quiet else Bar())
    page = replace(page, looks=looks, columns=names(columns) or None, allow_mixed=allow_mixed)
    write_text(file, render(page))
    print(file)
