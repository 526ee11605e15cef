"""Before the first iteration and after the last: parts that start from data, and parts that settle things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import torch
from torch import Tensor, nn

from aezoo.errors import ConfigError
from aezoo.parts.autoencoder import Autoencoder, evaluation
from aezoo.parts.interfaces import FinishesTraining, InitialisedFromData
from aezoo.parts.statistics import batch_norms, still_statistics
from aezoo.parts.types import Data
from aezoo.randomness import generator_for

CHUNK = 512  # images at a time


@final
class TrainingImages:
    """The training split, for a part that starts from it.

    generator:  on the model's device; all randomness of the part's start comes from it
    """

    def __init__(self, data: Data, generator: torch.Generator) -> None:
        self.generator = generator
        self._data = data

    def __len__(self) -> int:
        return len(self._data.train)

    def draw(self, n: int) -> Tensor:
        """Images x [n, *shape], chosen at random and all different, float32 in the dataset's range.

        Raises:  ConfigError when there are fewer
        """
        if n > len(self):
            raise ConfigError(
                f"a part starts from {n} training images, and there are {len(self)}",
                where="dataset",
                fix="choose a smaller setting of that part, or give more rows",
            )
        device = self.generator.device
        order = torch.randperm(len(self), generator=self.generator, device=device)
        return self._data.x(self._data.train.values[order[:n].cpu()].to(device))

    def all(self) -> Iterator[Tensor]:
        """All images in order, x [B, *shape] a piece at a time."""
        for rows in self._data.train.values.split(CHUNK):
            yield self._data.x(rows.to(self.generator.device))


@torch.no_grad()
def initialise_parts(model: Autoencoder, data: Data, seed: int) -> None:
    """Let parts that start from training images look at them."""
    for number, part in enumerate(model.parts()):
        if isinstance(part, InitialisedFromData):
            generator = generator_for(model.device, seed, "initialise", number)
            with still_statistics(batch_norms(model)):
                part.initialise_from(TrainingImages(data, generator))


def finish_parts(parts: Sequence[nn.Module], model: nn.Module, device: torch.device, seed: int) -> None:
    """Let parts settle what follows from the last weights."""
    for number, part in enumerate(parts):
        if isinstance(part, FinishesTraining):
            with evaluation(model):
                part.finish_training(generator_for(device, seed, "finish", number))
