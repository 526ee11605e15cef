"""Fully connected bodies, for vectors and for images taken as vectors."""

from __future__ import annotations

import math
from typing import Annotated, final

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from aezoo.api import mlp


@final
class MLPBackbone:
    """Hidden layers with ReLU; the decoder has the encoder's widths in reverse.

    Source:  with skip and hidden = [1024, 1024, 1024], the second stage of Dai & Wipf, ICLR 2019
    """

    def __init__(
        self,
        hidden: Annotated[
            tuple[PositiveInt, ...],
            Field(min_length=1, description="units of each hidden layer, from x to z"),
        ] = (256, 256),
        skip: Annotated[
            bool, Field(description="append a network's input to its last hidden layer (2-stage VAE)")
        ] = False,
    ) -> None:
        self.hidden, self.skip = tuple(hidden), skip

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, *shape] -> features [B, hidden[-1]], and D more with skip."""
        return _Body((math.prod(shape), *self.hidden), self.skip)

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, *shape], unbounded."""
        body = _Body((latent_dim, *reversed(self.hidden)), self.skip)
        head = nn.Linear(body.features, math.prod(shape))
        return nn.Sequential(body, head, nn.Unflatten(1, shape))


@final
class _Body(nn.Module):
    def __init__(self, sizes: tuple[int, ...], skip: bool) -> None:
        super().__init__()
        self.skip = skip
        self.features = sizes[-1] + (sizes[0] if skip else 0)
        self.hidden = mlp(sizes, last=nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        h: Tensor = self.hidden(x)
        return torch.cat([h, x], dim=1) if self.skip else h
