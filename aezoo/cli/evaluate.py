"""`aezoo evaluate`: a run's numbers, as a table and in its results.json."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from aezoo.cli.options import PluginFiles, Quiet, Run, Trust, names
from aezoo.cli.output import Json, print_json, say
from aezoo.evaluation.protocol import CheckpointRule


def evaluate(
    run: Run,
    metrics: Annotated[
        str, typer.Option(help="Names with commas between them; without it all defaults.", show_default=False)
    ] = "",
    extractor: Annotated[
        str,
        typer.Option(
            help="Where sets are compared, names with commas; without it the dataset's own.",
            show_default=False,
        ),
    ] = "",
    weights: Annotated[str, typer.Option(help="File with the extractor's weights.", show_default=False)] = "",
    download: Annotated[bool, typer.Option("--download", help="Fetch missing weights.")] = False,
    n: Annotated[
        int | None,
        typer.Option("-n", help="Rows of each set; without it min(10000, test size).", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn while measuring.")] = 0,
    checkpoint: Annotated[
        CheckpointRule,
        typer.Option(
            help="last; best-validation of those kept; min-over-checkpoints adds the best value that any "
            "reaches on test data, as the FlexAE papers report."
        ),
    ] = "last",
    stretched: Annotated[
        bool,
        typer.Option("--stretched", help="Add sets stretched image by image, as the FlexAE papers do."),
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    dataset: Annotated[
        str,
        typer.Option(
            help="Other data to measure on, NAME, folder:PATH or npz:PATH; the numbers are not kept.",
            show_default=False,
        ),
    ] = "",
    data_root: Annotated[
        str, typer.Option(help="The folder that holds the dataset.", show_default=False)
    ] = "",
    plugin: PluginFiles = None,
    trust: Trust = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure reconstruction and generation of a run on its test split.

    One table: each measure with its direction, between what other training images reach and what the mean
    image and a Gaussian of the pixels do. It also goes into the run's results.json, with the whole protocol.
    """
    from aezoo.training.progress import Bar, Silence
    from aezoo.verbs.evaluate import evaluate as measure

    found = measure(
        run,
        metrics=names(metrics),
        extractors=names(extractor),
        n=n,
        seed=seed,
        checkpoint=checkpoint,
        stretched=stretched,
        weights=weights,
        download=download,
        device=device,
        data=dataset or None,
        data_root=data_root,
        plugins=plugin or (),
        trust=trust,
        progress=Silence() if quiet else Bar(),
    )
    for warning in found.warnings:
        say(f"warning: {warning}", file=sys.stderr)
    if json:
        print_json({"run": str(run), "seconds": round(found.seconds, 3), "results": found.rows()})
        return
    say(found.table())
    say(f"\nmeasured in {found.seconds:.1f} s; protocol of each number: {run / 'results.json'}")
