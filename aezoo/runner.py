"""The Python verbs: `train` makes a run directory, `load` gives back the model in it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from aezoo import registry
from aezoo import resolve as resolving
from aezoo.allocator import keep_memory
from aezoo.assemble import Assembly, assemble
from aezoo.checking import check
from aezoo.config import PARTS, RunConfig, XConfig
from aezoo.data.resident import Resident
from aezoo.errors import ConfigError, RunFileError
from aezoo.fitting import Fitting
from aezoo.interfaces import DataSource, FittedPrior, Phase
from aezoo.model import Autoencoder, join
from aezoo.optim import OptimizerConfig
from aezoo.products import Facts, parameter_counts, reconstruction_error, write_grids, write_products
from aezoo.progress import Bar, Progress, Silence
from aezoo.rundir import Checkpoint, RunDir, new_path, newest_path
from aezoo.settings import Config
from aezoo.stages import Stages, load_state
from aezoo.trainer import Trainer, moved_weights
from aezoo.types import Data, Posterior

Part = str | Mapping[str, Any] | Config | nn.Module
"""A name, a table with `name` and settings, a part's settings, or a finished module of one's own."""


@dataclass(frozen=True)
class Run:
    """A finished training.

    path:     its directory
    config:   everything it was made from
    results:  the content of `results.json`
    """

    path: Path
    config: RunConfig
    results: dict[str, Any]

    @property
    def model(self) -> Autoencoder:
        """The trained model, loaded from the directory."""
        return load(self.path)


def train(
    recipe: str | Path | None = None,
    *,
    backbone: Part | None = None,
    encoder: Part | None = None,
    decoder: Part | None = None,
    prior: Part | None = None,
    divergence: Part | None = None,
    regularizers: Iterable[str] | Mapping[str, Any] = (),
    reconstruction: Part | None = None,
    dataset: Part | None = None,
    settings: Mapping[str, Any] | None = None,
    scale: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    quiet: bool = True,
    **options: Any,
) -> Run:
    """Train a model, as `aezoo train` does.

    recipe:    a recipe's name or a TOML file
    parts:     each a name, a table of settings, or a module of one's own
    settings:  nested tables, such as {"optimizer": {"lr": 1e-3}}
    out:       the run directory; without it one under `runs/`
    options:   keys of the section `train`, such as steps=500, seed=1

    Raises:  AezooError for everything a user can mend
    """
    named = {
        "backbone": backbone,
        "encoder": encoder,
        "decoder": decoder,
        "prior": prior,
        "divergence": divergence,
        "reconstruction": reconstruction,
        "dataset": dataset,
    }
    modules = {section: part for section, part in named.items() if isinstance(part, nn.Module)}
    given = {section: part for section, part in named.items() if part is not None}
    flags = {f"{section}=": {section: _section(section, part)} for section, part in given.items()}
    tables = regularizers if isinstance(regularizers, Mapping) else dict.fromkeys(regularizers, True)
    if tables:
        flags["regularizers="] = {"regularizer": dict(tables)}
    if options:
        flags["train()"] = {"train": options}
    if settings:
        flags["settings="] = dict(settings)
    config = resolving.resolve(recipe, flags=flags, scale=scale, given=modules)
    progress = Silence() if quiet else Bar()
    return run_training(config, out, resume=resume, overwrite=overwrite, progress=progress, modules=modules)


def run_training(
    config: RunConfig,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    modules: Mapping[str, nn.Module] | None = None,
) -> Run:
    """Train what a complete config says, into its run directory."""
    if config.train.keep_memory:
        keep_memory()
    data = load_data(config)
    config, assembly = prepare(config, data, modules)
    run = RunDir(_directory(config, out, resume))
    checkpoint = _open(run, config, resume=resume, overwrite=overwrite, given=modules or ())
    device = choose_device(config.train.device)
    _place(assembly.model, device, compiled=config.train.compile)
    progress = progress or Silence()
    stages = Stages(run, assembly.model, config, progress, checkpoint)
    cuda = [device.index or 0] if device.type == "cuda" else []
    try:
        with stages.signals(), torch.random.fork_rng(devices=cuda):
            facts = _train(stages, assembly, data, device, checkpoint)
    finally:
        progress.finish()
    results = write_products(run, assembly.model, config, data, facts)
    return Run(run.path, config, results)


def prepare(
    config: RunConfig, data: Data, modules: Mapping[str, nn.Module] | None = None
) -> tuple[RunConfig, Assembly]:
    """The parts for a dataset, and the config completed by what only they know."""
    assembly = assemble(config, data.shape, data.range, modules)
    optimizer = {
        phase: settings.model_dump(mode="json", exclude_none=True)
        for phase, settings in assembly.optimizers.items()
    }
    x = XConfig(shape=data.shape, range=data.range)
    return config.model_copy(update={"x": x, "optimizer": optimizer}), assembly


def plan(config: RunConfig, data: Data) -> dict[str, Any]:
    """What a training would do: parts, trainable weights, schedule, phases with their optimizers."""
    config, assembly = prepare(config, data)
    counts = parameter_counts(assembly.model)
    parts = {section: getattr(config, section)["name"] for section in PARTS}
    counts["divergence"] = counts.get(f"regularizer.{parts['divergence']}", 0)
    phases = {
        phase.name: {
            "weights": sum(weight.numel() for weight in moved_weights(phase)),
            "optimizer": _optimizer_words(assembly, phase),
            "role": phase.role,
        }
        for phase in assembly.phases
    }
    return {
        "run": resolving.run_name(config),
        "x": {
            "shape": list(data.shape),
            "range": data.range,
            "train": len(data.train),
            "test": len(data.test),
        },
        "parts": {**parts, **{f"regularizer.{label}": label for label in config.regularizer}},
        "parameters": counts,
        "steps": config.train.steps,
        "schedule": assembly.schedule,
        "phases": phases,
    }


def _optimizer_words(assembly: Assembly, phase: Phase) -> str:
    if not isinstance(phase.optim, OptimizerConfig):
        return "steps the optimizers of " + ", ".join(phase.optim)
    settings = assembly.optimizers[phase.name]
    return f"{settings.name}, lr {settings.lr}"


def load_data(config: RunConfig) -> Data:
    """The rows of the config's dataset."""
    settings = {key: value for key, value in config.dataset.items() if key != "name"}
    name = config.dataset["name"]
    source = resolving.part_class("dataset", name, "dataset.name")
    typed = check(resolving.settings_class("dataset", name), settings, "dataset")
    loaded: DataSource = source(**{field: getattr(typed, field) for field in type(typed).model_fields})
    return loaded.load()


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


def read_config(run: RunDir, given: Collection[str] = ()) -> RunConfig:
    """The complete config of a run directory, all settings checked anew but of parts `given` as modules."""
    table = run.read_config()
    values = resolving.complete(table, lambda key: str(run.path / "config.toml"), given=given)
    return check(RunConfig, values, "")


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
    begun = time.perf_counter()
    if checkpoint is not None:
        load_state(model, {name: value for name, value in checkpoint.model.items()})
    train = config.train
    trainer = Trainer(
        model,
        assembly.phases,
        assembly.schedule,
        Resident(data, data.train, train.batch_size, seed=train.seed, device=device),
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
    seconds = stages.seconds
    if averages is not None:  # from here on the averaged weights are the model
        averages.keep()
    fitted = model.prior
    if isinstance(fitted, FittedPrior):
        fitting = Fitting(stages, seed=train.seed, device=device, steps=train.steps)
        fitted.fit(_codes(model, data, fitted.reads), fitting)
        model.to(device)
    return Facts(
        steps=train.steps,
        seconds=seconds,
        fit_seconds=time.perf_counter() - begun - seconds if checkpoint is None else None,
        device=str(device),
    )


def _codes(model: Autoencoder, data: Data, reads: Sequence[str]) -> Posterior:
    """The posterior of the whole training split, with the fields that the prior reads."""
    device = model.device
    chunks = [model.encode(data.x(rows.to(device))) for rows in data.train.values.split(2048)]
    return join(chunks, tuple(reads))


def _place(model: Autoencoder, device: torch.device, *, compiled: bool) -> None:
    """Move a model to where it trains, in training mode."""
    model.to(device).train()
    if device.type == "cuda":
        model.to(memory_format=torch.channels_last)
    if compiled:  # encoder and decoder alone: penalties differentiate critics twice, compiled code once
        model.encoder.compile()
        model.decoder.compile()


def _section(kind: str, part: Part) -> Any:
    """What a config says of a part given in Python."""
    if isinstance(part, nn.Module):
        return {"name": _import_path(part)}
    if isinstance(part, Config):
        return {**_whose(kind, part), **part.model_dump(exclude_none=True)}
    return part if isinstance(part, str) else dict(part)


def _whose(kind: str, settings: Config) -> dict[str, str]:
    """The name of the part that a settings object belongs to."""
    known = {info.config: {"name": info.name} for info in registry.list_components(kind)}
    return known.get(_import_path(settings), {})


def _import_path(instance: object) -> str:
    return f"{type(instance).__module__}:{type(instance).__qualname__}"


def _directory(config: RunConfig, out: str | Path | None, resume: bool) -> Path:
    if out is not None:
        return Path(out)
    wanted = Path("runs") / resolving.run_name(config)
    return newest_path(wanted) if resume else new_path(wanted)


def _open(
    run: RunDir, config: RunConfig, *, resume: bool, overwrite: bool, given: Collection[str] = ()
) -> Checkpoint | None:
    """Make the directory ready, and find the checkpoint to go on from.

    Raises:  RunFileError when it holds something already; ConfigError when a resumed run's settings differ
    """
    if resume and run.has_config():
        return _resume(run, config, given)
    if run.path.exists() and not run.path.is_dir():
        raise RunFileError(f"{run.path} is a file", where="--out", fix="name a directory")
    if run.path.exists() and any(not path.name.startswith(".") for path in run.path.iterdir()):
        if not overwrite or resume:
            raise RunFileError(
                f"{run.path} exists and is not empty",
                where="--out",
                fix="choose another --out, go on with --resume, or replace it with --overwrite",
            )
        if not run.is_run():
            raise RunFileError(
                f"{run.path} is not empty and no run directory, so it is not replaced",
                where="--overwrite",
                fix="choose another --out",
            )
        shutil.rmtree(run.path)
    run.write_config(config)
    return None


def _resume(run: RunDir, config: RunConfig, given: Collection[str]) -> Checkpoint | None:
    before = read_config(run, given)
    _check_same(before, config, run)
    extended = config.train.steps > before.train.steps
    checkpoint, faults = run.load_latest("train" if extended else None)
    if extended:
        run.drop_fits()
    for fault in faults:
        print_warning(f"a damaged checkpoint is passed over: {fault}")
    run.write_config(config)
    return checkpoint


def _check_same(before: RunConfig, now: RunConfig, run: RunDir) -> None:
    """Only a larger number of steps may differ from the run that is resumed."""
    old, new = _flat(before.model_dump()), _flat(now.model_dump())
    allowed = ("version", "recipe.", "x.range", "train.steps")
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key) and not key.startswith(allowed)]
    if now.train.steps < before.train.steps:
        changed.append("train.steps")
    if changed:
        raise ConfigError(
            "\n".join(f"'{key}' was {old.get(key)!r} and is now {new.get(key)!r}" for key in sorted(changed)),
            where=f"--resume of {run.path}",
            fix="keep the settings of a resumed run (only --steps may grow), or begin a new one",
        )


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat


def print_warning(text: str) -> None:
    """A line on stderr."""
    import sys

    print(f"warning: {text}", file=sys.stderr)
