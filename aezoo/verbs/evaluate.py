"""`aezoo.evaluate`: a run directory to numbers, a table, and results.json."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from aezoo.config.run import RunConfig, dataset_name
from aezoo.data.given import Rows, given_data, recorded_sha256, rows_sha256
from aezoo.data.loading import load_data, load_dataset
from aezoo.device import choose_device
from aezoo.errors import ConfigError
from aezoo.evaluation.checkpoints import best_on_validation, lowest_on_test
from aezoo.evaluation.choosing import Chosen, named_metrics, named_spaces
from aezoo.evaluation.measuring import Evaluation, Named
from aezoo.evaluation.names import PLAIN, STRETCHED, UNFINISHED
from aezoo.evaluation.outcome import Evaluated, conclude, shared_protocol
from aezoo.evaluation.protocol import CheckpointRule
from aezoo.evaluation.sets import Sets
from aezoo.files import check_writable
from aezoo.parts.measures import ModelMetric, PairMetric
from aezoo.parts.types import Data
from aezoo.registry.code import short
from aezoo.registry.onefile import load_files
from aezoo.registry.packages import changes, measuring, packages
from aezoo.registry.trust import allow_classes
from aezoo.resolve import check_part
from aezoo.rundir.load import model_in
from aezoo.rundir.lock import hold
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir
from aezoo.training.progress import Progress, Silence
from aezoo.verbs.finish import record


def evaluate(
    run: str | Path,
    *,
    metrics: Chosen = (),
    extractors: Chosen = (),
    n: int | None = None,
    seed: int = 0,
    checkpoint: CheckpointRule = "last",
    stretched: bool = False,
    weights: str = "",
    download: bool = False,
    device: str = "auto",
    data: Rows | str | None = None,
    other_data: bool = False,
    data_root: str = "",
    modules: Mapping[str, nn.Module] | None = None,
    plugins: Sequence[str | Path] = (),
    trust: bool = False,
    progress: Progress | None = None,
) -> Evaluated:
    """Measure a run on its dataset's test split, and put the numbers into its results.json.

    metrics:     names, or names with settings; none: all that are used by default
    extractors:  the spaces that sets are compared in, likewise; none: the dataset's own, or the general one
    n:           rows of each set; none: min(10000, test rows, training rows)
    seed:        of everything that is drawn while measuring
    checkpoint:  `last`; `best-validation` of those kept; or `min-over-checkpoints`, which adds the best value
                 that any of them reaches on the test split itself, as the FlexAE papers report
    stretched:   add sets whose images are stretched to the whole range one by one, as those papers do
    weights:     file with the extractor's weights
    download:    whether missing weights may be fetched
    device:      `auto`, `cpu`, `cuda` or `mps`
    data:        stands in for the run's dataset, where that was given from Python: the same rows again; or
                 the name of another dataset, "npz:other.npz", whose training rows stand in too
    other_data:  whether `data` are other rows than those the run was trained on. Numbers on other data say
                 whose they are (`dataset`), and are not put into the run's results.json
    data_root:   the folder that holds the dataset, where it is no longer where it was
    modules:     finished modules that the run was trained with, by section
    plugins:     one-file plugins to load first, with metrics or extractors
    trust:       whether code that the run names may be executed, as in `aezoo.load`

    Raises:  AezooError for everything a user can mend, among them MissingError for absent data or weights
    """
    begun = time.perf_counter()
    files = load_files(plugins)
    allow_classes([metrics, extractors])
    directory = RunDir(Path(run))
    config = read_config(directory, modules or (), trust=trust, loaded=files, warn=False)
    directory.read_results()  # what cannot be added to in the end is not begun
    check_writable(directory.path)
    with hold(directory.path):  # a training writes to it: its numbers would be of weights that are going
        newest = directory.newest()
    place = choose_device(device)
    named = named_metrics(metrics)
    if data_root:
        moved = {**config.dataset.model_dump(), "root": data_root}
        dataset = check_part("dataset", moved, "dataset", lambda key: "--data-root")
        config = config.model_copy(update={"dataset": dataset})
    rows, other = _rows(config, data, other_data)
    spaces = named_spaces(extractors, config, rows, place, weights=weights, download=download)
    model = model_in(directory, config, modules).to(place)
    if checkpoint == "best-validation":
        best_on_validation(directory, model, rows, next(iter(spaces.values())), n=n, seed=seed)
    sets = Sets(model, rows, n=n, seed=seed)
    of = STRETCHED if stretched else PLAIN
    bar = progress or Silence()
    rule = "last" if checkpoint == "min-over-checkpoints" else checkpoint
    plain = shared_protocol(config, sets, rule, complete=directory.is_model_newest())
    evaluation = Evaluation(sets, spaces, plain, _Telling(bar, _work(named, len(spaces), len(of), sets.n)))
    try:
        results = evaluation.measure(named, of)
        if checkpoint == "min-over-checkpoints":
            results += lowest_on_test(directory, evaluation, named)
    finally:
        bar.finish()
    found = conclude(evaluation, results, begun)
    found = replace(found, warnings=(*changes(config.packages), *found.warnings))
    if not directory.is_finished():
        early = (
            f"{UNFINISHED}: measured at its newest checkpoint, step {directory.reached()} of "
            f"{config.train.steps}; `aezoo train --resume` goes on"
        )
        found = replace(found, warnings=(early, *found.warnings))
    asked = {"metrics": _plain(metrics), "extractors": _plain(extractors)}
    asked |= {"n": n, "seed": seed, "checkpoint": checkpoint}
    used = {**packages(config), **measuring([one.name for one in named], spaces)}
    if not other:
        record(directory, config, model, found, str(place), asked, newest, used)
    return found


def _rows(config: RunConfig, given: Rows | str | None, other_data: bool) -> tuple[Data, bool]:
    """The rows to measure on, and whether they are others than the run's.

    Raises:  ConfigError for rows of another shape than the run was trained on, and for others unless that
             was said
    """
    if given is None:
        return load_data(config), False
    if isinstance(given, str):
        data, name, other = load_dataset(given), given, True
    else:
        data = given if isinstance(given, Data) else given_data(given)[0]
        found = rows_sha256(data)
        name, other = f"{data.name} {short(found)}", found != recorded_sha256(config.dataset)
    _check_shape(config, data)
    if other and not (other_data or isinstance(given, str)):
        recorded = recorded_sha256(config.dataset)
        whose = f"rows of {short(recorded)}" if recorded else f"the dataset {dataset_name(config.dataset)}"
        raise ConfigError(
            f"the rows given are others than the run was trained on: {name}, and the run records {whose}",
            where="data",
            fix="give those again, or say other_data=True: the numbers then say whose data they are of",
        )
    return (replace(data, name=name) if other else data), other


def _check_shape(config: RunConfig, data: Data) -> None:
    if config.x is not None and tuple(data.shape) != tuple(config.x.shape):
        raise ConfigError(
            f"the rows given have the shape {tuple(data.shape)}, and the run was trained on "
            f"{tuple(config.x.shape)}",
            where="data",
            fix="give the rows that it was trained on",
        )


def _plain(chosen: Chosen) -> Any:
    """As JSON has it."""
    return (
        {name: dict(settings) for name, settings in chosen.items()}
        if isinstance(chosen, Mapping)
        else list(chosen)
    )


def _work(named: Sequence[Named], spaces: int, sets: int, n: int) -> int:
    """About how many rows an evaluation goes through: what a bar counts."""
    pairs = sum(isinstance(one.metric, PairMetric) for one in named)
    whole = sum(isinstance(one.metric, ModelMetric) for one in named)
    between = len(named) - pairs - whole
    return n * (2 * pairs + whole + (spaces * (sets * (between + 1) + 1) if between else 0))


class _Telling:
    """Rows gone through, told to a bar that never overshoots."""

    def __init__(self, bar: Progress, work: int) -> None:
        self._bar, self._work, self._done = bar, work, 0
        bar.start("evaluate", work, 0)

    def __call__(self, rows: int) -> None:
        self._done = min(self._done + rows, self._work)
        self._bar.advance(self._done)
