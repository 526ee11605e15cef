"""From a complete config to a finished run directory, and back to the model in it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from aezoo.config.run import RunConfig
from aezoo.data.loading import load_data
from aezoo.data.memory import CHUNK, is_streamed, placed
from aezoo.data.resident import Resident
from aezoo.data.streamed import Streamed
from aezoo.device import choose_device
from aezoo.parts.autoencoder import Autoencoder, join, load_state
from aezoo.parts.interfaces import FittedPrior
from aezoo.parts.types import Data, Posterior
from aezoo.rundir.load import load
from aezoo.rundir.open import directory_for, opened
from aezoo.rundir.rundir import Checkpoint, RunDir
from aezoo.rundir.tensorboard import check_installed
from aezoo.training.assemble import Assembly, prepare
from aezoo.training.fitting import Fitting
from aezoo.training.progress import Progress, Silence
from aezoo.training.stages import Stages
from aezoo.training.step import Batches
from aezoo.training.trainer import Trainer
from aezoo.verbs.allocator import keep_memory
from aezoo.verbs.finish import Facts, reconstruction_error, write_grids, write_products


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


def run_training(
    config: RunConfig,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    modules: Mapping[str, nn.Module] | None = None,
    data: Data | None = None,
) -> Run:
    """Train what a complete config says, into its run directory; `data` stands in for its dataset."""
    if config.train.tensorboard:
        check_installed()
    if config.train.keep_memory:
        keep_memory()
    device = choose_device(config.train.device)
    data = load_data(config) if data is None else data
    config, assembly = prepare(config, data, modules)
    data = placed(data, config.train.data, device)
    run = RunDir(directory_for(config, out, resume=resume))
    progress = progress or Silence()
    cuda = [device.index or 0] if device.type == "cuda" else []
    with opened(run, config, resume=resume, overwrite=overwrite, given=modules or ()) as checkpoint:
        _place(assembly.model, device, compiled=config.train.compile)
        stages = Stages(run, assembly.model, config, progress, checkpoint)
        try:
            with stages.signals(), torch.random.fork_rng(devices=cuda):
                facts = _train(stages, assembly, data, device, checkpoint)
        finally:
            progress.finish()
            stages.close()
        results = write_products(run, assembly.model, config, data, facts)
    return Run(run.path, config, results, dict(modules or {}))


def _train(
    stages: Stages, assembly: Assembly, data: Data, device: torch.device, checkpoint: Checkpoint | None
) -> Facts:
    """The stage `train`, then the fit of a fitted prior."""
    config, model = stages.config, assembly.model
    if checkpoint is not None:
        load_state(model, checkpoint.model)
    train = config.train
    trainer = Trainer(
        model,
        assembly.phases,
        assembly.schedule,
        _batches(config, data, device),
        optimizers=assembly.optimizers,
        seed=train.seed,
        device=device,
        precision=train.precision,
        average=config.ema.decay,
    )
    averages = trainer.averages

    def look(step: int) -> dict[str, float]:
        with averages.in_place() if averages else nullcontext():
            write_grids(stages.run, model, data, config.train.seed, step)
            return {"evaluate/test_sse": reconstruction_error(model, data)}

    stages.go("train", trainer, train.steps, look)
    if averages is not None:  # from here on the averaged weights are the model
        averages.keep()
    fitted, begun, fit_seconds = model.prior, time.perf_counter(), None
    if isinstance(fitted, FittedPrior):
        fitting = Fitting(stages, seed=train.seed, device=device, steps=train.steps)
        fitted.fit(_codes(model, data, fitted.reads), fitting)
        model.to(device)
        fit_seconds = time.perf_counter() - begun
    return Facts(train.steps, stages.seconds, fit_seconds, str(device))


def _batches(config: RunConfig, data: Data, device: torch.device) -> Batches:
    """Where minibatches come from: memory, or the disk for a dataset left there."""
    train = config.train
    if is_streamed(data):
        return Streamed(
            data, data.train, train.batch_size, seed=train.seed, device=device, workers=train.workers
        )
    return Resident(data, data.train, train.batch_size, seed=train.seed, device=device)


def _codes(model: Autoencoder, data: Data, reads: Sequence[str]) -> Posterior:
    """The posterior of the whole training split, with the fields that the prior reads."""
    device = model.device
    chunks = [model.encode(data.x(rows.to(device))) for rows in data.train.values.split(CHUNK)]
    return join(chunks, tuple(reads))


def _place(model: Autoencoder, device: torch.device, *, compiled: bool) -> None:
    """Move a model to where it trains, in training mode."""
    model.to(device).train()
    if device.type == "cuda":
        model.to(memory_format=torch.channels_last)
    if compiled:  # encoder and decoder alone: penalties differentiate critics twice, compiled code once
        model.encoder.compile()
        model.decoder.compile()
