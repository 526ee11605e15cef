"""The plainest part of each kind, to stand beside one under test where a shipped one would add its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor, nn

from aezoo.functional.divergences import diagonal_normal_log_prob, standard_normal_log_prob
from aezoo.functional.reconstruction import binary_cross_entropy
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.build import PlainDecoder
from aezoo.parts.interfaces import Encoder, LatentPrior, Phase, Reconstruction, Regularizer
from aezoo.parts.types import Posterior, Terms
from aezoo.training.step import Step

WIDTH = 8  # of the one hidden layer


@final
class PlainBackbone:
    """One layer each way, for any shape."""

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, *shape] -> [B, 8]."""
        body = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), WIDTH), nn.Tanh())
        body.features = WIDTH  # type: ignore[assignment]  # an int by contract
        return body

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, *shape]."""
        last = nn.Linear(WIDTH, torch.Size(shape).numel())
        return nn.Sequential(nn.Linear(latent_dim, WIDTH), nn.Tanh(), last, nn.Unflatten(1, tuple(shape)))


@final
class PlainNormal(Encoder):
    """N(mean, 0.1 I), the mean an affine function of x."""

    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.mean = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), latent_dim))

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        """x [B, *shape] -> all that a posterior can say."""
        z = mean = self.mean(x)
        if generator is not None:
            z = mean + 0.1**0.5 * torch.randn(mean.shape, generator=generator, device=mean.device)
        log_var = torch.full_like(mean, 0.1).log()
        return Posterior(z, mean, log_var, diagonal_normal_log_prob(z, mean, log_var))


@final
class PlainPrior(LatentPrior):
    """N(0, I), with its density."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m]."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), nats: z [n, m] -> [n]."""
        return standard_normal_log_prob(z)


@final
class PlainCoins(Reconstruction):
    """-log p(x | z), each value of x a coin."""

    def terms(self, step: Step) -> Terms:
        return {"coins": -self.log_likelihood(step.x, step.x_hat).mean()}

    def log_likelihood(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """log p(x | z), nats [B]."""
        return -binary_cross_entropy(x, x_hat)


@final
class PlainTask(Regularizer):
    """Trains encoder and decoder where there is no reconstruction cost to do it."""

    def phases(self, model: Autoencoder) -> Iterable[Phase]:
        """One phase: squared errors."""
        yield Phase("task", _squared_error, [model.encoder, model.decoder])


def _squared_error(step: Step) -> Terms:
    return {"squares": (step.x - step.x_hat).square().mean()}


def plain_model(shape: tuple[int, ...], latent_dim: int) -> Autoencoder:
    """A model with a likelihood, of plain parts alone; the same at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        body = PlainBackbone().decoder(latent_dim, shape)
        return Autoencoder(
            PlainNormal(shape=shape, latent_dim=latent_dim),
            PlainDecoder(nn.Sequential(body, nn.Sigmoid())),
            PlainPrior(latent_dim=latent_dim),
            shape=shape,
            range=(0.0, 1.0),
            reconstruction=PlainCoins(),
        ).eval()
