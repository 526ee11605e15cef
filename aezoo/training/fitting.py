"""What a fitted prior gets besides its codes: randomness, a device, and the one trainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from aezoo.config.optimizer import OptimizerConfig
from aezoo.data.order import Sizes
from aezoo.errors import ConfigError
from aezoo.parts.interfaces import InitialisedFromData
from aezoo.randomness import generator_for, mix
from aezoo.training.assemble import schedule_of
from aezoo.training.ends import finish_parts
from aezoo.training.trainer import Trainer, parts_of

if TYPE_CHECKING:
    from aezoo.parts.interfaces import Phase
    from aezoo.training.stages import Stages

Batch = Callable[[int], Tensor]
"""Minibatch number `draw`; a pure function, so that fitting can be resumed."""


class Fitting:
    """The means of a fit.

    generator:   on the CPU; the same for every fit of a run
    seed:        to derive further generators from (aezoo.api.generator_for)
    device:      of the model
    steps:       iterations the autoencoder was trained for; the customary length of a fit
    batch_size:  rows of the minibatches that it was trained with, in the end; as customary
    """

    def __init__(self, stages: Stages, *, seed: int, device: torch.device, steps: int) -> None:
        self.seed = mix(seed, "fit")
        self.generator = generator_for("cpu", self.seed)
        self.device = device
        self.steps = steps
        self.batch_size = Sizes(stages.config.train.batch_size).of_step(steps - 1)
        self._stages = stages
        self._trained = 0

    def train(
        self,
        model: nn.Module,
        batch: Batch,
        phases: Sequence[Phase],
        *,
        schedule: str | None = None,
        steps: int | None = None,
        optimizers: Mapping[str, OptimizerConfig] | None = None,
    ) -> None:
        """Train an inner model to the end, with the run's log, bar, checkpoints and resume.

        model:     any module: an autoencoder of codes, a flow, an autoregressive network; a submodule of the
                   prior, so that checkpoints of the run contain it
        batch:     what the losses of its phases read as `step.x`
        phases:    of an autoencoder `model.phases()`; else one is `Phase("flow", loss, [model])`
        schedule:  none: the default one of its phases, with a round of critics
        steps:     none: as many as the autoencoder was trained for

        Raises:  ConfigError for a module that the run's checkpoints would not contain
        """
        self._check_contained(model)
        _check_no_images(model)
        schedule = schedule or schedule_of(phases, critic_steps=1)
        self._trained += 1
        stage = "fit" if self._trained == 1 else f"fit{self._trained}"
        model.to(self.device).train()
        trainer = Trainer(
            model,
            phases,
            schedule,
            _Drawn(batch),
            optimizers=optimizers,
            seed=mix(self.seed, stage),
            device=self.device,
            precision=self._stages.config.train.precision,
        )
        if self._stages.go(stage, trainer, steps or self.steps):
            finish_parts(parts_of(model), model, self.device, mix(self.seed, stage))
        model.eval()

    def _check_contained(self, model: nn.Module) -> None:
        """A module outside the run's model would train, and be lost."""
        kept = {id(tensor) for tensor in self._stages.model.state_dict(keep_vars=True).values()}
        lost = [name for name, tensor in model.state_dict(keep_vars=True).items() if id(tensor) not in kept]
        if lost:
            raise ConfigError(
                f"the module {type(model).__name__} that a prior fits is no part of the run's model: "
                f"its {lost[0]} would never be saved",
                where="prior.name",
                fix="keep it as a submodule of the prior: self.flow = flow, in __init__",
            )


def _check_no_images(model: nn.Module) -> None:
    for part in parts_of(model):
        if isinstance(part, InitialisedFromData):
            raise ConfigError(
                f"{type(part).__name__} starts from training images, and a fit has none",
                where="prior.name",
                fix="give the part its start from the codes, in the prior's own `fit`",
            )


class _Drawn:
    """A function of the draw as a source of minibatches; a partner batch draws from far away."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        return self._batch(draw + (stream << 40))
