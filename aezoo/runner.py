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

from aezoo.allocator import keep_memory
from aezoo.assemble import Assembly, assemble
from aezoo.board import check_installed
from aezoo.config import RunConfig, XConfig
from aezoo.data.loading import load_dataset
from aezoo.data.memory import CHUNK, fits, in_memory, is_streamed
from aezoo.data.resident import Resident
from aezoo.data.streamed import Streamed
from aezoo.errors import ConfigError, RunFileError
from aezoo.fitting import Fitting
from aezoo.interfaces import FittedPrior
from aezoo.model import Autoencoder, join
from aezoo.opening import directory_for, opened, read_config
from aezoo.products import Facts, reconstruction_error, write_grids, write_products
from aezoo.progress import Progress, Silence
from aezoo.rundir import Checkpoint, RunDir
from aezoo.stages import Stages, load_state
from aezoo.step import Batches
from aezoo.trainer import Trainer
from aezoo.types import Data, Posterior


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


def prepare(
    config: RunConfig, data: Data, modules: Mapping[str, nn.Module] | None = None
) -> tuple[RunConfig, Assembly]:
    """The parts for a dataset, and the config completed by what only they know.

    Raises:  ConfigError when parts do not go together, or the dataset has fewer rows than a minibatch
    """
    _check_rows(len(data.train), config.train.batch_size)
    assembly = assemble(config, data.shape, data.range, modules)
    optimizer = {
        phase: settings.model_dump(mode="json", exclude_none=True)
        for phase, settings in assembly.optimizers.items()
    }
    x = XConfig(shape=data.shape, range=data.range)
    return config.model_copy(update={"x": x, "optimizer": optimizer}), assembly


def _check_rows(rows: int, batch_size: int) -> None:
    if rows < batch_size:
        raise ConfigError(
            f"{rows} training rows are fewer than a minibatch of {batch_size}",
            where="train.batch_size",
            fix=f"choose --batch-size {rows} or less, or give more rows" if rows else "give more rows",
        )


def placed(data: Data, where: str, device: torch.device) -> Data:
    """The dataset in memory, or as it is where it is to be streamed.

    where:  `memory`, `stream`, or `auto` for what fits
    """
    if where == "memory" or (where == "auto" and fits(data, device)):
        return in_memory(data)
    return data


def load_data(config: RunConfig) -> Data:
    """The rows of the config's dataset."""
    return load_dataset(**config.dataset)


def load(path: str | Path, *, modules: Mapping[str, nn.Module] | None = None) -> Autoencoder:
    """The model of a run directory, on the CPU in evaluation mode.

    modules:  finished modules for sections that were trained with one, such as {"encoder": MyEncoder(3)};
              without it the class named in `config.toml` is made anew with its default arguments

    Raises:  RunFileError when the directory holds no model or a damaged one; MissingError when a part's
             package is not installed
    """
    run = RunDir(Path(path))
    config = read_config(run, modules or ())
    if config.x is None:
        raise RunFileError(f"{run.path / 'config.toml'} does not say what x is", fix="name a run directory")
    model = assemble(config, config.x.shape, config.x.range, modules).model
    load_state(model, run.read_model())
    return model.eval()


def choose_device(name: str) -> torch.device:
    """The device by that name; `auto` takes CUDA, else Apple's MPS, else the CPU.

    Raises:  ConfigError when the named one is not there
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[name]:
        found = ", ".join(kind for kind, present in there.items() if present)
        raise ConfigError(f"there is no device '{name}' here", where="train.device", fix=f"there is: {found}")
    return torch.device(name)


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
