"""`aezoo train`: a recipe, a file or named parts to a run directory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aezoo.cli.options import DataRoot, Download, PluginFiles, Trust
from aezoo.cli.output import Json, print_json, say

if TYPE_CHECKING:
    from aezoo.verbs.train import TrainRequest


def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name (aezoo list recipe) or a TOML file.", show_default=False)
    ] = "",
    prior: Annotated[str, typer.Option(help="Where new codes come from.", show_default=False)] = "",
    regularizer: Annotated[
        list[str] | None, typer.Option(help="A regularizer to add; may be repeated.", show_default=False)
    ] = None,
    divergence: Annotated[str, typer.Option(help="What ties codes to the prior.", show_default=False)] = "",
    backbone: Annotated[str, typer.Option(help="Bodies of encoder and decoder.", show_default=False)] = "",
    encoder: Annotated[str, typer.Option(help="Images to codes.", show_default=False)] = "",
    decoder: Annotated[str, typer.Option(help="Codes to images.", show_default=False)] = "",
    reconstruction: Annotated[
        str, typer.Option(help="Cost between image and reconstruction.", show_default=False)
    ] = "",
    scale: Annotated[
        str,
        typer.Option(help="small (default) or paper: the recipe's published settings.", show_default=False),
    ] = "",
    dataset: Annotated[
        str, typer.Option(help="What to train on: a name, folder:PATH or npz:PATH.", show_default=False)
    ] = "",
    data_root: DataRoot = "",
    download: Download = False,
    skip_bad_images: Annotated[
        bool, typer.Option("--skip-bad-images", help="Leave out image files that cannot be read.")
    ] = False,
    image_size: Annotated[int | None, typer.Option(help="Side of an image.", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(help="Iterations of the schedule.", show_default=False)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images in a minibatch.", show_default=False)] = None,
    latent_dim: Annotated[int | None, typer.Option(help="Size of the code.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="Source of all randomness.", show_default=False)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", show_default=False)] = "",
    precision: Annotated[str, typer.Option(help="fp32 or bf16.", show_default=False)] = "",
    compile: Annotated[bool, typer.Option("--compile", help="Compile encoder and decoder.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write the terms to RUN/tensorboard too.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="section.key=value; the last word. May be repeated.", show_default=False),
    ] = None,
    plugin: PluginFiles = None,
    trust: Trust = False,
    out: Annotated[
        Path | None, typer.Option(help="The run directory; without it one under runs/.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing run.")] = False,
    allow_other_code: Annotated[
        bool,
        typer.Option(
            "--allow-other-code",
            help="Resume also where a part's package is of another version than the run's.",
        ),
    ] = False,
    no_evaluate: Annotated[
        bool, typer.Option("--no-evaluate", help="Leave out the short evaluation at the end.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show parts, weights and schedule only.")
    ] = False,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No bar and no summary.")] = False,
) -> None:
    """Train a generative autoencoder.

    Without arguments it trains the default recipe on scikit-learn's handwritten digits.
    """
    options = {
        "--prior": _part("prior", prior),
        "--divergence": _part("divergence", divergence),
        "--backbone": _part("backbone", backbone),
        "--encoder": _part("encoder", encoder),
        "--decoder": _part("decoder", decoder),
        "--reconstruction": _part("reconstruction", reconstruction),
        "--regularizer": {"regularizer": dict.fromkeys(regularizer, True)} if regularizer else {},
        "--dataset": _part("dataset", dataset),
        "--data-root": _table("dataset", "root", data_root),
        "--download": _table("dataset", "download", download),
        "--skip-bad-images": _table("dataset", "skip_bad_images", skip_bad_images),
        "--image-size": _table("dataset", "image_size", image_size),
        "--steps": _table("train", "steps", steps),
        "--batch-size": _table("train", "batch_size", batch_size),
        "--latent-dim": _table("train", "latent_dim", latent_dim),
        "--seed": _table("train", "seed", seed),
        "--device": _table("train", "device", device),
        "--precision": _table("train", "precision", precision),
        "--compile": _table("train", "compile", compile),
        "--tensorboard": _table("train", "tensorboard", tensorboard),
        "--no-evaluate": {"evaluate": {"end": False}} if no_evaluate else {},
    }
    from aezoo.resolve import resolve

    flags = {name: table for name, table in options.items() if table}
    config = resolve(
        recipe or None,
        flags=flags,
        sets=set_ or (),
        scale=scale or None,
        plugins=plugin or (),
        trusted=trust,
    )
    from aezoo.verbs.train import TrainRequest  # torch, which faults of the command line need not wait for

    request = TrainRequest(
        config=config,
        out=out,
        resume=resume,
        overwrite=overwrite,
        trust=trust,
        allow_other_code=allow_other_code,
    )
    if dry_run:
        _plan(request, as_json=json)
    else:
        _run(request, as_json=json, quiet=quiet)


def _run(request: TrainRequest, *, as_json: bool, quiet: bool) -> None:
    from aezoo.registry.onefile import trust_option
    from aezoo.training.progress import Bar, Silence
    from aezoo.verbs.train import train

    run = train(request, Silence() if quiet else Bar())
    if as_json:
        print_json({key: run.results[key] for key in ("run", "steps", "seconds", "images_per_s", "results")})
    elif not quiet:
        _summary(run.path, run.results, trust_option(run.config))


def _summary(path: Path, results: dict[str, Any], more: str) -> None:
    from aezoo.evaluation.table import text_table

    if results["results"]:
        say(text_table(results["results"]), end="\n\n")
    for warning in results["warnings"]:
        say(f"warning: {warning}", file=sys.stderr)
    speed = f"{results['images_per_s']:.0f} images/s"
    say(f"{results['steps']} steps in {results['seconds']:.1f} s on {results['device']}, {speed}")
    say(f"run      {path}")
    say(f"samples  {path / 'samples.png'}")
    say(f"report   {path / 'report.html'}")
    say(f"more     aezoo sample {path} -n 64 --out grid.png{more}")
    say(f"         aezoo evaluate {path}{more}")


def _plan(request: TrainRequest, *, as_json: bool) -> None:
    from aezoo.verbs.plan import plan

    found = plan(request)
    if as_json:
        print_json(found)
        return
    say(f"run         {found['run']}")
    say(f"x           {found['x']}")
    parts = found["parts"]
    wide, wider = (max(map(len, words)) + 2 for words in (parts, parts.values()))
    for part, name in parts.items():
        count = found["parameters"].get(part)
        say(f"{part:<{wide}}{name:<{wider}}" + (f"{count:>12,} weights" if count else ""))
    say(f"steps       {found['steps']}")
    say(f"schedule    {found['schedule']}")
    for name, phase in found["phases"].items():
        say(f"  {name:<16}{phase['weights']:>12,} weights   {phase['optimizer']}")


def _part(section: str, name: str) -> dict[str, Any]:
    return {section: name} if name else {}


def _table(section: str, key: str, value: str | int | None) -> dict[str, Any]:
    """The setting; nothing for an option that is not given: none, no text, a flag that is off."""
    return {} if value is None or value is False or value == "" else {section: {key: value}}
