"""What a fitted prior gets besides its codes: randomness, a device, and the one trainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aezoo.config.optimizer import OptimizerConfig
from aezoo.randomness import generator_for, mix
from aezoo.training.trainer import Trainer

if TYPE_CHECKING:
    from aezoo.parts.autoencoder import Autoencoder
    from aezoo.parts.interfaces import Phase
    from aezoo.training.stages import Stages

Batch = Callable[[int], Tensor]
"""Minibatch number `draw`; a pure function, so that fitting can be resumed."""


class Fitting:
    """The means of a fit.

    generator:  on the CPU; the same for every fit of a run
    seed:       to derive further generators from (aezoo.api.generator_for)
    device:     of the model
    steps:      iterations the autoencoder was trained for; the customary length of a fit
    """

    def __init__(self, stages: Stages, *, seed: int, device: torch.device, steps: int) -> None:
        self.seed = mix(seed, "fit")
        self.generator = generator_for("cpu", self.seed)
        self.device = device
        self.steps = steps
        self._stages = stages
        self._trained = 0

    def train(
        self,
        model: Autoencoder,
        batch: Batch,
        phases: Sequence[Phase],
        *,
        schedule: str,
        steps: int | None = None,
        optimizers: Mapping[str, OptimizerConfig] | None = None,
    ) -> None:
        """Train an inner model to the end, with the run's log, bar, checkpoints and resume.

        model:  held by the prior as a submodule, so that checkpoints of the run contain it
        """
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
        self._stages.go(stage, trainer, steps or self.steps)
        model.eval()


class _Drawn:
    """A function of the draw as a source of minibatches; a partner batch draws from far away."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        return self._batch(draw + (stream << 40))
