"""The Gaussian encoder of the VAE. Kingma & Welling 2014 (arXiv:1312.6114), section 3."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor, nn

from aezoo.api import Backbone, Encoder, Posterior, at_least_float32, glorot_uniform_

# A code is then never wider than e^7.5 = 1800 or narrower than 1/1800: exp(log_var) and its
# inverse stay far from overflow, also in half precision's exponent, and no method needs more.
LOG_VAR_BOUND = 15.0


@final
class Gaussian(Encoder):
    """z ~ N(mean, diag exp(log_var)), both linear in the backbone's features.

    log_var is clamped to +-15; inside, it is exactly the linear layer's output.
    """

    def __init__(self, backbone: Backbone, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.body = backbone.encoder(shape)
        features = int(self.body.features)  # type: ignore[arg-type]  # an int by contract
        self.mean = glorot_uniform_(nn.Linear(features, latent_dim))
        self.log_var = glorot_uniform_(nn.Linear(features, latent_dim))

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        """x [B, *shape] -> z, mean, log_var [B, m] and log_q [B] of this z, nats.

        z = mean + exp(log_var / 2) eps with eps ~ N(0, I); without a generator eps = 0.
        """
        features = self.body(x)
        # z too: of a code rounded to 8 bits log_q would not be the density
        mean = at_least_float32(self.mean(features))
        log_var = at_least_float32(self.log_var(features)).clamp(-LOG_VAR_BOUND, LOG_VAR_BOUND)
        eps = _noise(mean, generator)
        z = mean + (0.5 * log_var).exp() * eps
        # (z - mean)^2 / var is eps^2: no division, and the gradient along z = z(mean, log_var)
        log_q = -0.5 * (eps.square() + log_var + math.log(2 * math.pi)).sum(dim=1)
        return Posterior(z=z, mean=mean, log_var=log_var, log_q=log_q)


def _noise(like: Tensor, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        return torch.zeros_like(like)
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
