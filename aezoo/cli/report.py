"""`aezoo report`: runs as one page that opens from disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aezoo.cli.options import AllowMixed, Columns, Quiet, Trust, names
from aezoo.cli.output import say

if TYPE_CHECKING:
    from aezoo.report import Page
    from aezoo.training.progress import Progress


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
    trust: Trust = False,
    quiet: Quiet = False,
) -> None:
    """Put runs side by side on one page of HTML: numbers, pictures, curves, settings, provenance.

    One file, which loads nothing from elsewhere. What is missing in a run is said in its place, and so are
    pictures that take a model whose code may not be executed.
    """
    from aezoo.report import of_runs
    from aezoo.training.progress import Bar, Silence

    file = out or (runs[0] / "report.html" if len(runs) == 1 else Path("report.html"))
    bar = Silence() if quiet else Bar()
    write_page(file, of_runs(runs), names(columns) or None, bar, allow_mixed=allow_mixed, trust=trust)
    say(file)


def write_page(
    file: Path,
    page: Page,
    columns: list[str] | None,
    bar: Progress,
    *,
    allow_mixed: bool,
    trust: bool = False,
) -> None:
    """The page with what its runs' models show."""
    from aezoo.explore.gallery import gallery
    from aezoo.files import write_text
    from aezoo.report import render

    looks = gallery({view.label: view.path for view in page.views}, bar, trust=trust)
    write_text(file, render(replace(page, looks=looks, columns=columns, allow_mixed=allow_mixed)))
