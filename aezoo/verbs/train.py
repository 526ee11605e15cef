"""From a request, or a complete config, to a finished run directory."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from aezoo.config.run import RunConfig
from aezoo.data.loading import batches_of, load_data
from aezoo.data.memory import CHUNK, place
from aezoo.device import choose_device
from aezoo.parts.autoencoder import Autoencoder, join, load_state
from aezoo.parts.interfaces import FittedPrior
from aezoo.parts.types import Data, Posterior
from aezoo.rundir.load import load
from aezoo.rundir.open import directory_for, open_to_train
from aezoo.rundir.rundir import Checkpoint, RunDir
from aezoo.rundir.tensorboard import check_installed
from aezoo.training.assemble import Assembly, prepare, trainer_of
from aezoo.training.ends import finish_parts, initialise_parts
from aezoo.training.fitting import Fitting
from aezoo.training.progress import Progress, Silence
from aezoo.training.schedule import draws_in
from aezoo.training.stages import Stages
from aezoo.verbs.allocator import keep_memory
from aezoo.verbs.finish import reconstruction_error, write_grids, write_products


@dataclass(frozen=True)
class Run:
    """A finished training.

    path:     its directory
    config:   everything it was made from
    results:  the content of `results.json`
    modules:  finished modules that it was trained with, by section
    """

    path: Path
    config: RunConfig
    results: dict[str, Any]
    modules: Mapping[str, nn.Module] = field(default_factory=dict)

    @property
    def model(self) -> Autoencoder:
        """The trained model, loaded from the directory; into the modules it was trained with, if any."""
        return load(self.path, modules=self.modules)


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What to train and where to, as the command line and Python ask for it.

    config:   the complete run
    modules:  finished modules, by section
    data:     stands in for the config's dataset
    out:      the run directory; none: one under `runs/`
    trust:    whether code that a resumed run names may be executed
    allow_other_code:  whether to resume also with another version of a part's package than the run's
    """

    config: RunConfig
    modules: Mapping[str, nn.Module] = field(default_factory=dict)
    data: Data | None = None
    out: str | Path | None = None
    resume: bool = False
    overwrite: bool = False
    trust: bool = False
    allow_other_code: bool = False


def train(request: TrainRequest, progress: Progress | None = None) -> Run:
    """Train what is asked for, into its run directory.

    Raises:  AezooError for everything a user can mend
    """
    config, modules, resume = request.config, request.modules, request.resume
    if config.train.tensorboard:
        check_installed()
    if config.train.keep_memory:
        keep_memory()
    device = choose_device(config.train.device)
    data = load_data(config) if request.data is None else request.data
    config, assembly = prepare(config, data, modules)
    data = place(data, config.train.data, device)
    run = RunDir(directory_for(config, request.out, resume=resume))
    progress = progress or Silence()
    cuda = [device.index or 0] if device.type == "cuda" else []
    opened = open_to_train(
        run,
        config,
        resume=resume,
        overwrite=request.overwrite,
        given=modules,
        trust=request.trust,
        allow_other_code=request.allow_other_code,
    )
    with opened as checkpoint:
        stages = Stages(run, assembly.model, config, progress, checkpoint)
        try:
            with stages.signals(), torch.random.fork_rng(devices=cuda):
                fit_seconds = _train(stages, assembly, data, device, checkpoint)
        finally:
            progress.finish()
            stages.close()
        results = write_products(
            run,
            assembly.model,
            config,
            data,
            seconds=stages.seconds,
            fit_seconds=fit_seconds,
            device=str(device),
        )
    return Run(run.path, config.model_copy(update={"id": run.id}), results, dict(modules))


def _train(
    stages: Stages, assembly: Assembly, data: Data, device: torch.device, checkpoint: Checkpoint | None
) -> float | None:
    """The stage `train`, then the fit of a fitted prior; the seconds of the fit, if there was one."""
    config, model = stages.config, assembly.model.to(device)
    train = config.train
    if checkpoint is None:
        initialise_parts(model.train(), data, train.seed)
    else:
        load_state(model, checkpoint.model)
    trainer = trainer_of(
        config, assembly, batches_of(config, data, device, draws_in(assembly.schedule)), device
    )

    def look(step: int) -> dict[str, float]:
        with trainer.averaged():
            write_grids(stages.run, model, data, config.train.seed, step)
            return reconstruction_error(model, data)

    if stages.go("train", trainer, train.steps, look):
        trainer.keep_average()
        finish_parts(model.parts(), model, device, train.seed)
    fitted, begun = model.prior, time.perf_counter()
    if not isinstance(fitted, FittedPrior):
        return None
    fitting = Fitting(stages, seed=train.seed, device=device, steps=train.steps)
    fitted.fit(_codes(model, data, fitted.reads), fitting)
    model.to(device)
    return time.perf_counter() - begun


def _codes(model: Autoencoder, data: Data, reads: Sequence[str]) -> Posterior:
    """The posterior of the whole training split, with the fields that the prior reads."""
    device = model.device
    chunks = [model.encode(data.x(rows.to(device))) for rows in data.train.values.split(CHUNK)]
    return join(chunks, tuple(reads))
