"""A model with all that its training needs: phases, schedule, optimizers; and the trainer of a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from aezoo.config.check import check
from aezoo.config.merge import Table
from aezoo.config.optimizer import OptimizerConfig
from aezoo.config.run import RunConfig, XConfig
from aezoo.data.order import Sizes
from aezoo.errors import ConfigError, did_you_mean
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.build import model_of
from aezoo.parts.interfaces import Phase
from aezoo.parts.statistics import batch_norms
from aezoo.parts.types import Data
from aezoo.training.averages import Averages
from aezoo.training.schedule import check_names, default_schedule, parse
from aezoo.training.step import Batches
from aezoo.training.trainer import Trainer


@dataclass(frozen=True)
class Assembly:
    """A model and how it is trained."""

    model: Autoencoder
    phases: list[Phase]
    schedule: str
    optimizers: dict[str, OptimizerConfig]


def assemble(
    config: RunConfig,
    shape: tuple[int, ...],
    range: tuple[float, float] | None,
    modules: Mapping[str, nn.Module] | None = None,
) -> Assembly:
    """The parts of a run, joined; `modules` are finished ones that the user brings for a section.

    Raises:  ConfigError for parts that do not go together, or settings of phases that do not exist
    """
    model = model_of(config, shape, range, modules)
    phases = model.phases()
    schedule = config.train.schedule or schedule_of(phases, config.train.critic_steps)
    check_names(parse(schedule), [phase.name for phase in phases])
    if Sizes(config.train.batch_size).bounds()[0] == 1 and batch_norms(model):
        raise ConfigError(
            "a batch of one image cannot be normalised by BatchNorm",
            where="train.batch_size",
            fix="take batches of two or more, or a backbone without BatchNorm",
        )
    optimizers = merge_optimizers(config.optimizer, phases, config.inherited)
    return Assembly(model, phases, schedule, optimizers)


def trainer_of(config: RunConfig, assembly: Assembly, batches: Batches, device: torch.device) -> Trainer:
    """The trainer of a run, its model moved to the device, in training mode."""
    model = assembly.model.to(device).train()
    if device.type == "cuda":
        model.to(memory_format=torch.channels_last)
    if config.train.compile:  # not critics: penalties differentiate them twice, compiled code once
        model.encoder.compile()
        model.decoder.compile()
    return Trainer(
        model,
        assembly.phases,
        assembly.schedule,
        batches,
        optimizers=assembly.optimizers,
        seed=config.train.seed,
        device=device,
        precision=config.train.precision,
        averages=Averages(model, config.ema.decay, config.ema.modules) if config.ema.decay else None,
    )


def schedule_of(phases: Sequence[Phase], critic_steps: int) -> str:
    """The default schedule of some phases."""
    critics = [phase.name for phase in phases if phase.role == "critic"]
    players = [phase.name for phase in phases if phase.role == "player"]
    return default_schedule(critics, players, critic_steps)


def merge_optimizers(
    optimizer: Table, phases: Sequence[Phase], inherited: Collection[str] = ()
) -> dict[str, OptimizerConfig]:
    """Each phase's own default, overlaid by what is said for all phases, then for that one.

    inherited:  phases that a recipe names and that the user's own choice of parts may have taken away

    Raises:  ConfigError for a phase that does not exist
    """
    names = [phase.name for phase in phases if isinstance(phase.optim, OptimizerConfig)]
    general = {key: value for key, value in optimizer.items() if key in OptimizerConfig.model_fields}
    for key in optimizer:
        if key not in names and key not in general and key not in inherited:
            hint = did_you_mean(key, [*names, *OptimizerConfig.model_fields])
            raise ConfigError(
                f"no phase of these parts, and no setting of an optimizer, is called '{key}'",
                where=f"optimizer.{key}",
                fix=f"{hint}the phases are {', '.join(names)}",
            )
    merged = {}
    for phase in phases:
        if isinstance(phase.optim, OptimizerConfig):
            own = optimizer.get(phase.name, {})
            if not isinstance(own, Mapping):
                raise ConfigError(
                    f"'optimizer.{phase.name}' cannot be {own!r}: it is a table of settings",
                    where=f"optimizer.{phase.name}",
                    fix=f"write --set optimizer.{phase.name}.name={own}",
                )
            values = {**phase.optim.model_dump(), **general, **own}
            merged[phase.name] = check(OptimizerConfig, values, f"optimizer.{phase.name}")
    return merged


def _with_own_size(
    config: RunConfig, assembly: Assembly, data: Data, modules: Mapping[str, nn.Module] | None
) -> tuple[RunConfig, Assembly]:
    """The config with the size of the code that an encoder of a size of its own makes, whatever was asked.

    An encoder that makes something else of that again, such as one of twice what it is asked for, keeps what
    it was asked for: that is what it is made from when the run is loaded.
    """
    own = assembly.model.latent_dim
    if own == config.train.latent_dim:
        return config, assembly
    said = config.model_copy(update={"train": config.train.model_copy(update={"latent_dim": own})})
    again = assemble(said, data.shape, data.range, modules)
    return (said, again) if again.model.latent_dim == own else (config, assembly)


def prepare(
    config: RunConfig, data: Data, modules: Mapping[str, nn.Module] | None = None
) -> tuple[RunConfig, Assembly]:
    """The parts for a dataset, and the config completed by what only they know.

    Raises:  ConfigError when parts do not go together, or the dataset has fewer rows than a minibatch
    """
    rows, (_, batch_size) = len(data.train), Sizes(config.train.batch_size).bounds()
    if rows < batch_size:
        raise ConfigError(
            f"{rows} training rows are fewer than a minibatch of {batch_size}",
            where="train.batch_size",
            fix=f"choose --batch-size {rows} or less, or give more rows" if rows else "give more rows",
        )
    config, assembly = _with_own_size(
        config, assemble(config, data.shape, data.range, modules), data, modules
    )
    optimizer = {
        phase: settings.model_dump(mode="json", exclude_none=True)
        for phase, settings in assembly.optimizers.items()
    }
    x = XConfig(shape=data.shape, range=data.range)
    return config.model_copy(update={"x": x, "optimizer": optimizer}), assembly
