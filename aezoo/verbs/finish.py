"""What a run leaves in the end: the model, pictures, numbers, a model card."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aezoo.config.run import RunConfig, dataset_name
from aezoo.data.memory import CHUNK
from aezoo.data.order import Sizes
from aezoo.drawing import pictures
from aezoo.errors import AezooError, InterruptedRun, RunFileError, print_warning
from aezoo.evaluation.names import LABELS
from aezoo.evaluation.outcome import Evaluated, quick_evaluation
from aezoo.files import write_bytes, write_text
from aezoo.functional.reconstruction import squared_error
from aezoo.parts.autoencoder import Autoencoder, evaluation, split_state
from aezoo.parts.interfaces import FittedPrior
from aezoo.parts.types import Data
from aezoo.randomness import generator_for
from aezoo.report import short_page
from aezoo.rundir.lock import hold
from aezoo.rundir.rundir import RunDir
from aezoo.rundir.versions import versions
from aezoo.tables.render.layout import clean
from aezoo.tables.render.markdown import escape

OTHERS = 60.0  # seconds that another evaluation is given to write its numbers
_ADDRESS = re.compile(r"https?://[\w.~:/?#@!$&'()*+,;=%-]+", re.ASCII)
SHOWN = 64  # images in a grid
LOOKED_AT = 1000  # training rows, at most, that are reconstructed while training goes on


def write_products(
    run: RunDir,
    model: Autoencoder,
    config: RunConfig,
    data: Data,
    *,
    seconds: float,
    fit_seconds: float | None,
    device: str,
) -> dict[str, Any]:
    """Write everything, results last, with those of a short evaluation; they are returned.

    seconds:      of training, over all sessions
    fit_seconds:  of this session's fit of a fitted prior; None: no such prior
    """
    before, state = _results_before(run), split_state(model)[0]
    run.write_model(state, config.train.steps)
    write_grids(run, model, data, config.train.seed)
    lines = run.read_metrics()
    write_bytes(run.path / "curves.png", pictures.png(pictures.curves(lines)))
    trained = {
        "run": str(run.path),
        "recipe": config.recipe.name,
        "dataset": dataset_name(config.dataset),
        "seed": config.train.seed,
        "steps": config.train.steps,
        "seconds": round(seconds, 3),
        "fit_seconds": None if fit_seconds is None else round(fit_seconds, 3),
        "images_per_s": round(
            Sizes(config.train.batch_size).before(config.train.steps) / max(seconds, 1e-9), 1
        ),
        "device": device,
        "model": run.newest(),
        "peak_memory_mb": peak_memory(device),
        "parameters": parameter_counts(model),
        "versions": versions(),
    }
    if before.get("results") and before.get("model") == trained["model"]:
        results = {**before, **trained}  # the same weights: what was measured is still true
    else:
        nothing: dict[str, Any] = {"results": [], "warnings": [], "finishing": True}
        run.write_results(trained | nothing)  # a measure that breaks costs no training
        results = trained | _short_evaluation(model, config, data, device)
    write_text(run.path / "README.md", model_card(config, model, results))
    write_text(run.path / "report.html", short_page(run.path, results, lines))
    run.write_results(results)
    return results


def _results_before(run: RunDir) -> dict[str, Any]:
    """What was measured of the model that is there until now, with its name; nothing where nobody knows."""
    try:
        return {"model": run.newest(), **run.read_results()}
    except AezooError as err:
        print_warning(f"what was measured before is lost: {err.what}")
        return {}


def _short_evaluation(model: Autoencoder, config: RunConfig, data: Data, device: str) -> dict[str, Any]:
    """Its part of results.json; a run that cannot be measured is a finished run all the same."""
    if not config.evaluate.end:
        return {"results": [], "warnings": []}
    try:
        return record_of(quick_evaluation(model, config, data), device)
    except InterruptedRun:  # who stops the command does not say that the run cannot be measured
        raise
    except AezooError as err:
        return {"results": [], "warnings": [f"not evaluated: {err.what}"]}


def record_of(found: Evaluated, device: str) -> dict[str, Any]:
    """What results.json says of an evaluation."""
    rows = found.rows()
    evaluation = {
        "seconds": round(found.seconds, 3),
        "device": device,
        "versions": versions(),
        "rows": len(rows),  # the first so many of the results are its own, others were there before
    }
    return {"results": rows, "warnings": list(found.warnings), "evaluation": evaluation}


def record(
    run: RunDir,
    config: RunConfig,
    model: Autoencoder,
    found: Evaluated,
    device: str,
    asked: Mapping[str, Any],
    newest: str,
    packages: Mapping[str, str],
) -> None:
    """Put an evaluation into results.json and the model card.

    A number takes the place of the one of the same metric, taken of the same; others of these weights stay.
    What is in results.json is read again, for others may have measured meanwhile.

    asked:     the options that it was asked for with
    newest:    the weights that were measured, as `RunDir.newest` names them
    packages:  whose the parts, metrics and extractors are that are not aezoo's own

    Raises:  RunFileError when the run has other weights by now, or is in use for long
    """
    with hold(run.path, wait=OTHERS):
        if run.newest() != newest:
            raise RunFileError(
                f"{run.path} was trained on, or replaced, while it was measured: the numbers are not kept",
                where=str(run.path),
                fix="evaluate it again",
            )
        measured = record_of(found, device)
        measured["evaluation"]["packages"] = dict(packages)
        _record(run, config, model, measured, dict(asked))


def _record(
    run: RunDir, config: RunConfig, model: Autoencoder, found: dict[str, Any], asked: dict[str, Any]
) -> None:
    before, newest = run.read_results(), run.newest()
    if before.get("model", newest) != newest:
        print_warning(f"numbers in {run.path / 'results.json'} were of other weights, and are dropped")
        before = before | {"results": []}
    new = {(row["metric"], row["of"]) for row in found["results"]}
    kept = [row for row in before.get("results", ()) if (row["metric"], row.get("of")) not in new]
    after = before | found | {"model": newest}
    results = {
        **after,
        "results": [*after["results"], *kept],
        "evaluation": {**after["evaluation"], "asked": asked},
    }
    run.write_results(results)
    if "steps" in results:  # a run that is not finished has no card yet
        write_text(run.path / "README.md", model_card(config, model, results))
        write_text(run.path / "report.html", short_page(run.path, results))


def reconstruction_error(model: Autoencoder, data: Data) -> dict[str, float]:
    """For the log: squared error summed over a row's dimensions, mean over the rows, named by what they are.

    Of the validation part; where there is none, of about 1,000 training rows. Never of test rows: what a log
    shows while training goes on is what people stop and choose by.
    """
    name, split = ("train", data.train) if data.validation is None else ("validation", data.validation)
    step = 1 if name == "validation" else math.ceil(len(split) / LOOKED_AT)
    total, places = 0.0, torch.arange(0, len(split), step)
    for some in places.split(CHUNK):
        x = data.x(split.values[some].to(model.device))
        total += float(squared_error(x, model.reconstruct(x)).double().sum())
    return {f"evaluate/{name}_sse": total / len(places)}


def write_grids(run: RunDir, model: Autoencoder, data: Data, seed: int, step: int | None = None) -> None:
    """Samples and reconstructions; of a step in the middle of training under `samples/`."""
    generator = generator_for(model.device, seed, "samples")
    waiting = isinstance(model.prior, FittedPrior) and not model.prior.fitted
    prior = model.during if waiting else model.prior
    if prior is None:  # no prior in force while training: nothing to draw from yet
        return
    with evaluation(model):
        codes = model.on_grid(prior.sample(SHOWN, generator))
    samples = model.decode(codes)
    if step is not None:
        directory = run.path / "samples"
        directory.mkdir(exist_ok=True)
        write_bytes(directory / f"step-{step:09d}.png", picture(samples, data))
        return
    write_bytes(run.path / "samples.png", picture(samples, data))
    x = data.x(data.test.values[: SHOWN // 2].to(model.device))
    write_bytes(run.path / "reconstructions.png", pairs_picture(x, model.reconstruct(x), data))


def picture(samples: Tensor, data: Data) -> bytes:
    """A grid of images; vectors among real ones on their first principal components."""
    if data.is_image and data.range is not None:
        return pictures.png(pictures.grid(samples, range=data.range))
    return pictures.png(pictures.scatter(data.x(data.test.values[:]), samples))


def pairs_picture(x: Tensor, x_hat: Tensor, data: Data) -> bytes:
    """Images above their reconstructions."""
    if data.is_image and data.range is not None:
        return pictures.png(pictures.pairs(x, x_hat, range=data.range))
    return pictures.png(pictures.scatter(x, x_hat))


def parameter_counts(model: Autoencoder) -> dict[str, int]:
    """Trainable weights by part: encoder, decoder, prior, regularizer.NAME ..."""
    counts: dict[str, int] = {}
    for name, weight in model.named_parameters():
        words = name.split(".")
        part = ".".join(words[:2]) if words[0] == "regularizer" else words[0]
        counts[part] = counts.get(part, 0) + weight.numel()
    return counts


def peak_memory(device: str) -> float | None:
    """The most that was taken at a time, MB: on the GPU, or by this process; None where nobody knows."""
    if device.startswith("cuda"):
        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _in_card(value: Any) -> Any:
    """A value as the card has it: texts, which anybody may have written, are shown as they are."""
    if isinstance(value, int | float) or hasattr(value, "__html__"):  # the latter is made safe already
        return value
    text = str(value)
    return f"<{text}>" if _ADDRESS.fullmatch(text) else escape(clean(text))


def model_card(config: RunConfig, model: Autoencoder, results: dict[str, Any]) -> str:
    """README.md of a run: what it is, how it was made, how to use it."""
    from jinja2 import Environment, StrictUndefined

    template = files("aezoo").joinpath("templates/model_card.md").read_text(encoding="utf-8")
    made = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_in_card
    ).from_string(template)
    name, counts = Path(results["run"]).name, parameter_counts(model)
    return made.render(config=config, results=results, parameters=counts, name=name, labels=LABELS) + "\n"
