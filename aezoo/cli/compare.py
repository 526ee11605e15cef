"""`aezoo compare`: methods side by side under one protocol."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aezoo.cli.options import (
    AllowMixed,
    Columns,
    DataRoot,
    Download,
    Jobs,
    PluginFiles,
    Quiet,
    Trust,
    names,
)
from aezoo.cli.output import print_columns, print_json, say
from aezoo.cli.report import write_page
from aezoo.errors import DiskError, print_warning

if TYPE_CHECKING:
    from aezoo.comparison.grid import Request
    from aezoo.tables.cell import Outcome
    from aezoo.tables.entries import Table


TableFormat = Literal["table", "markdown", "latex", "csv", "json", "html"]


def compare(
    methods: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recipes (names or files), run directories, grid.toml files.", show_default=False
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="What to train on, may be repeated; else what recipes say.", show_default=False),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Trainings of each, seeds 0, 1, ...; 1 if not said.", show_default=False),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Iterations of each.", show_default=False)] = None,
    scale: Annotated[str, typer.Option(help="small (default) or paper.", show_default=False)] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="section.key=value for every training.", show_default=False),
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="What is measured, names with commas between them.", show_default=False)
    ] = "",
    extractor: Annotated[
        str, typer.Option(help="Where sets are compared, names with commas.", show_default=False)
    ] = "",
    columns: Columns = "",
    n: Annotated[int | None, typer.Option("-n", min=2, help="Rows of each set.", show_default=False)] = None,
    allow_mixed: AllowMixed = False,
    format: Annotated[TableFormat, typer.Option(help="How to write the table.")] = "table",
    out: Annotated[
        Path | None,
        typer.Option(
            help="A file for the table; without it it is printed. With html, the page.", show_default=False
        ),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where runs and compare.html are kept.")] = Path("runs"),
    executor: Annotated[
        Literal["local", "ray"], typer.Option(help="local processes, or a Ray cluster.")
    ] = "local",
    address: Annotated[str, typer.Option(help="Of the Ray cluster.", show_default=False)] = "",
    jobs: Jobs = None,
    data_root: DataRoot = "",
    download: Download = False,
    plugin: PluginFiles = None,
    trust: Trust = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show plan and estimated time only.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train what is missing, reuse what is there, measure all alike, print one table, write one page.

    Killed and started again, it goes on: a finished run is never trained twice.
    """
    from aezoo.comparison.grid import Request

    request = Request(
        methods=methods or (),
        datasets=dataset or (),
        seeds=seeds,
        steps=steps,
        scale=scale or None,
        sets=set_ or (),
        metrics=names(metrics),
        extractors=names(extractor),
        n=n,
        plugins=plugin or (),
        trust=trust,
        data_root=data_root,
        download=download,
        home=runs,
        executor=executor,
        address=address,
        jobs=jobs,
    )
    if dry_run:
        _plan(request, as_json=format == "json")
        return
    from aezoo.comparison.compare import run
    from aezoo.files import make_directory
    from aezoo.report import of_outcomes
    from aezoo.report.view import without_paths
    from aezoo.tables.table import build
    from aezoo.tables.warnings import summarise
    from aezoo.training.progress import Bar, Silence

    check_writable(out)
    bar = Silence() if quiet else Bar()
    outcomes = run(request, bar)
    shown = names(columns) or None
    # before the page, which would only say why there is no table
    table = build(without_paths(outcomes), shown, allow_mixed=allow_mixed)
    wanted = format == "html"
    page = (out if wanted else None) or runs / "compare.html"
    if not wanted:
        _write_table(table, format, out)
    try:
        make_directory(page.parent)
        write_page(page, of_outcomes(outcomes), shown, bar, allow_mixed=allow_mixed)
        say(page if wanted else f"page  {page}", file=sys.stdout if wanted else sys.stderr)
    except DiskError as err:
        if wanted:
            raise
        print_warning(f"no page: {err.what}")  # nobody asked for it: the table is there all the same
    for warning in summarise(outcomes):
        print_warning(warning)
    exit_with_failures(outcomes)


def _write_table(table: Table, format: TableFormat, out: Path | None) -> None:
    from aezoo.files import make_directory, write_text
    from aezoo.tables.render import RENDERERS

    text = RENDERERS[format](table)
    if out is None:
        say(text)
    else:
        make_directory(out.parent)
        write_text(out, text)
        say(out)


def exit_with_failures(outcomes: Sequence[Outcome]) -> None:
    """Tell why cells failed, and leave with exit code 1; nothing where none did."""
    failed = [one for one in outcomes if one.failure]
    for one in failed:
        cell = one.cell
        say(f"{cell.method} on {cell.dataset}, seed {cell.seed}: {one.failure}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def check_writable(out: Path | None) -> None:
    """Said before hours of training, not after."""
    from aezoo.paths import is_writable

    if out is not None and (out.is_dir() or not is_writable(out.parent)):
        raise DiskError(
            f"{out} cannot be written",
            where="--out",
            fix="name a file in a directory that is yours",
        )


def _plan(request: Request, *, as_json: bool) -> None:
    from aezoo.comparison.compare import default_jobs, plan
    from aezoo.comparison.estimate import seconds_to_go
    from aezoo.comparison.grid import grid_of

    planned, at_a_time = plan(grid_of(request)), request.jobs or default_jobs()
    seconds = seconds_to_go(planned)
    total = sum(seconds) / at_a_time
    head = ("method", "dataset", "seed", "state", "steps", "seconds", "run")
    rows = [
        (cell.method, cell.dataset, cell.seed, one.state, one.steps, round(took), str(cell.path))
        for one, took in zip(planned, seconds, strict=True)
        for cell in [one.cell]
    ]
    if as_json:
        print_json({"cells": [dict(zip(head, row, strict=True)) for row in rows], "seconds": round(total)})
        return
    print_columns([head, *([str(cell) for cell in row] for row in rows)])
    say(f"\nabout {_long(total)} of training with {at_a_time} at a time, then evaluation")


def _long(seconds: float) -> str:
    """As one would say it.

    >>> _long(59), _long(600), _long(3 * 86400)
    ('59 s', '10 min', '72 h')
    """
    return next(
        f"{seconds / unit:.0f} {name}"
        for unit, name, enough in ((1, "s", 100), (60, "min", 100 * 60), (3600, "h", float("inf")))
        if seconds < enough
    )
