"""A fixed mixture of round normals, for WAE with a mixture prior.

Mondal et al., UAI 2021 (FlexAE), figure 3d, leave the mixture unspecified. The presets are ours: `oracle` is
the mixture that generates the synthetic data, `ring` knows only its number of components.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal, final

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from aezoo.api import ConfigError, LatentPrior

Preset = Literal["oracle", "ring"]

# The synthetic data sets: the 2-D means are the first two coordinates of the 5-D ones.
ORACLE_MEANS = (
    (0.0, 0.0, 0.0, 0.0, 0.0),
    (5.0, 5.0, 5.0, 5.0, 5.0),
    (-5.0, 5.0, 3.0, 4.5, -6.0),
    (5.0, -1.5, -6.5, 3.0, 1.0),
    (-2.0, -7.0, 9.0, -1.5, -4.5),
    (-4.0, -3.0, -5.5, 2.0, 4.0),
)
ORACLE_VARIANCES = (1.0, 1.0, 0.5, 0.95, 0.5, 0.75)
RING_COMPONENTS, RING_RADIUS = 6, 5.0

Point = list[float]


@final
class Mixture(LatentPrior):
    """sum_k w_k N(mean_k, variance_k I): either a preset, or `means` with what belongs to them."""

    means: Tensor  # [K, m]
    variances: Tensor  # [K]
    weights: Tensor  # [K], sum 1

    def __init__(
        self,
        *,
        latent_dim: int,
        preset: Annotated[Preset, Field(description="which mixture, unless `means` says it")] = "ring",
        means: Annotated[
            list[Point] | None,
            Field(
                min_length=1,
                description="centres, one list of latent_dim numbers per component; instead of the preset",
            ),
        ] = None,
        variances: Annotated[
            list[PositiveFloat] | None,
            Field(description="variance of each component in every dimension, > 0; none: the preset's, or 1"),
        ] = None,
        weights: Annotated[
            list[PositiveFloat] | None,
            Field(description="shares of the components, > 0, brought to sum 1; none: equal"),
        ] = None,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        if means is None:
            centres = _preset_means(preset, latent_dim)
            usual = ORACLE_VARIANCES if preset == "oracle" else (1.0,) * len(centres)
        else:
            centres = _given_means(means, latent_dim)
            usual = (1.0,) * len(centres)
        shares = _one_each("weights", weights or (1.0,) * len(centres), len(centres))
        self.register_buffer("means", centres)
        self.register_buffer("variances", _one_each("variances", variances or usual, len(centres)))
        self.register_buffer("weights", shares / shares.sum())

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m]. The noise is drawn first: one component N(0, I) gives the normal prior's draws."""
        noise = torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)  # [n]
        return self.means[k] + self.variances[k, None].sqrt() * noise

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), nats: z [n, m] -> [n]."""
        square = (z[:, None] - self.means).square().sum(dim=2)  # [n, K]
        log_scale = self.latent_dim * torch.log(2.0 * math.pi * self.variances)  # [K]
        return torch.logsumexp(self.weights.log() - 0.5 * (square / self.variances + log_scale), dim=1)


def _preset_means(preset: Preset, latent_dim: int) -> Tensor:
    if preset == "oracle":
        if latent_dim not in (2, 5):
            raise ConfigError(
                f"the mixture behind the synthetic data has 2 or 5 dimensions, not {latent_dim}",
                where="prior.preset",
                fix="set train.latent_dim to 2 or 5, or choose the preset 'ring'",
            )
        return torch.tensor(ORACLE_MEANS)[:, :latent_dim].clone()
    if latent_dim < 2:
        raise ConfigError(
            "a ring needs at least two latent dimensions, not 1",
            where="prior.preset",
            fix="raise train.latent_dim, or give prior.means",
        )
    angle = 2.0 * math.pi * torch.arange(RING_COMPONENTS) / RING_COMPONENTS
    means = torch.zeros(RING_COMPONENTS, latent_dim)  # beyond the first two dimensions: N(0, I)
    means[:, 0], means[:, 1] = RING_RADIUS * angle.cos(), RING_RADIUS * angle.sin()
    return means


def _given_means(means: list[Point], latent_dim: int) -> Tensor:
    for k, mean in enumerate(means):
        if len(mean) != latent_dim:
            raise ConfigError(
                f"mean {k} of the mixture has {len(mean)} numbers, but codes have {latent_dim}",
                where="prior.means",
                fix="give every mean as many numbers as train.latent_dim says",
            )
    return torch.tensor(means, dtype=torch.float32)


def _one_each(name: str, numbers: Sequence[float], components: int) -> Tensor:
    if len(numbers) != components:
        raise ConfigError(
            f"{name} has {len(numbers)} numbers for {components} components",
            where=f"prior.{name}",
            fix=f"give {components} numbers, or leave {name} out",
        )
    return torch.tensor(numbers, dtype=torch.float32)
