"""`aezoo reproduce`: the tables and figures of papers, run again and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aezoo.cli.options import DataRoot, Download, Jobs, PluginFiles, Quiet
from aezoo.cli.output import print_columns, print_json, say
from aezoo.registry import registry
from aezoo.registry.onefile import load_files

if TYPE_CHECKING:
    from aezoo.reproduction.experiment import Experiment, Scale
    from aezoo.reproduction.reproduce import Reproduced


PageFormat = Literal["text", "markdown", "json"]


def reproduce(
    item: Annotated[
        str | None,
        typer.Argument(help="A table or figure, or a TOML file; none: list them.", show_default=False),
    ] = None,
    scale: Annotated[
        Literal["small", "paper"],
        typer.Option(help="small: within an hour on two cores; paper: as published."),
    ] = "small",
    runs: Annotated[Path, typer.Option(help="Where the runs are kept.")] = Path("runs"),
    jobs: Jobs = None,
    format: Annotated[
        PageFormat | None,
        typer.Option(help="Without it text; markdown or json by the ending of --out.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A file for the page, its pictures beside it.", show_default=False),
    ] = None,
    data_root: DataRoot = "",
    download: Download = False,
    plugin: PluginFiles = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the tables and figures.")] = False,
    quiet: Quiet = False,
) -> None:
    """Run a paper's table or figure again: its numbers beside ours, a verdict on each claim.

    Killed and started again, it goes on: a finished run is never trained twice.
    """
    load_files(plugin or ())
    if item is None or list_:
        print_columns([(info.name, info.summary) for info in registry.list_components("experiment")])
        return
    from aezoo.reproduction.experiment import load_experiment

    experiment, how = load_experiment(item), format or _by_ending(out)
    if dry_run:
        _plan(experiment, scale, runs, as_json=how == "json")
        return
    from aezoo.cli.compare import check_writable, exit_with_failures
    from aezoo.reproduction.reproduce import reproduce as run_again
    from aezoo.training.progress import Bar, Silence

    check_writable(out)
    made = run_again(
        experiment,
        scale=scale,
        home=runs,
        jobs=jobs,
        data_root=data_root,
        download=download,
        progress=Silence() if quiet else Bar(),
    )
    _write(experiment, scale, item, made, how, out)
    exit_with_failures(made.outcomes)


def _by_ending(out: Path | None) -> PageFormat:
    endings: dict[str, PageFormat] = {".md": "markdown", ".json": "json"}
    return endings.get(out.suffix, "text") if out else "text"


def _plan(experiment: Experiment, scale: Scale, runs: Path, *, as_json: bool) -> None:
    from aezoo.comparison.compare import plan
    from aezoo.reproduction.experiment import cells_of

    planned = plan(cells_of(experiment, scale, runs))
    head = ("method", "dataset", "seed", "state", "steps", "run")
    rows = [
        (one.cell.method, one.cell.dataset, one.cell.seed, one.state, one.steps, str(one.cell.path))
        for one in planned
    ]
    if as_json:
        cells = [dict(zip(head, row, strict=True)) for row in rows]
        print_json({"cells": cells, "claims": [claim.model_dump() for claim in experiment.claim]})
        return
    say(f"{experiment.title}\n")
    print_columns([head, *(tuple(map(str, row)) for row in rows)])
    steps = sum(one.steps for one in planned if one.state in ("train", "resume"))
    say(f"\n{len(rows)} runs, {steps:,} iterations to do, then {len(experiment.claim)} claims")
    if scale == "small" and experiment.minutes:
        say(f"it took {experiment.minutes}")


def _write(
    experiment: Experiment, scale: Scale, item: str, made: Reproduced, how: PageFormat, out: Path | None
) -> None:
    from aezoo.files import make_directory, write_bytes, write_text
    from aezoo.reproduction import page
    from aezoo.reproduction.pictures import draw_all

    shown = []
    if out is not None:
        make_directory(out.parent)
    if out is not None and how != "json":
        for end, seen, content in draw_all(experiment, made.outcomes, made.found):
            file = out.with_name(f"{out.stem}-{end}.png")
            if content is not None:
                write_bytes(file, content)
            if file.is_file():  # drawn now, or when the run still had its model
                shown.append((file.name, seen))
    name = Path(item).name if item.endswith(".toml") else item
    command = f"aezoo reproduce {name}" + ("" if scale == "small" else f" --scale {scale}")
    parts = page.Made(experiment, scale, command, made.outcomes, made.found, made.verdicts, shown)
    if how == "json":
        written = page.as_json(parts)
    else:
        write = page.markdown if how == "markdown" else page.text
        written = write(page.page_of(parts))
    if out is None:
        say(written, end="")
    else:
        write_text(out, written)
        say(out)
