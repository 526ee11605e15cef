"""P-GEN, a learned prior: the image of N(0, I) under a small network.

Mondal, Asnani, Singla & Prathosh, UAI 2021 (FlexAE), equations 5 and 7. Which divergence pulls it towards
the codes is the divergence's business.
"""

from __future__ import annotations

from typing import Annotated, Literal, final

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from aezoo.api import LatentPrior, glorot_normal_, mlp

Capacity = Literal["model-1", "model-2", "model-3", "model-4", "model-5", "model-6"]

# The capacities compared in the earlier version of the paper, table 8.
CAPACITIES: dict[Capacity, tuple[int, ...]] = {
    "model-1": (16, 16),
    "model-2": (64, 64),
    "model-3": (256, 256),
    "model-4": (1024, 1024),
    "model-5": (1024, 1024, 1024, 1024),  # the released code's
    "model-6": (2048, 2048, 2048, 2048),
}


@final
class PGen(LatentPrior):
    """z = G(n) with n ~ N(0, I). Defaults suit small images; the released code uses `model-5`."""

    def __init__(
        self,
        *,
        latent_dim: int,
        noise_dim: Annotated[
            PositiveInt | None, Field(description="dimensions of the noise; none: latent_dim")
        ] = None,
        hidden: Annotated[
            Capacity | tuple[PositiveInt, ...],
            Field(description="units of each hidden layer, or a capacity of table 8"),
        ] = (128, 128),
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.noise_dim = latent_dim if noise_dim is None else noise_dim
        units = CAPACITIES[hidden] if isinstance(hidden, str) else hidden
        self.net = glorot_normal_(mlp([self.noise_dim, *units, latent_dim], activation=nn.ReLU))

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m], with their graph."""
        noise = torch.randn(n, self.noise_dim, generator=generator, device=generator.device)
        z: Tensor = self.net(noise)
        return z
