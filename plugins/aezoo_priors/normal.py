"""The standard normal prior. Kingma & Welling, ICLR 2014 (arXiv:1312.6114)."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from aezoo.api import LatentPrior, Posterior, kl_to_standard_normal, require, standard_normal_log_prob


@final
class Normal(LatentPrior):
    """N(0, I) of the latent dimension."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m]."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), nats: z [n, m] -> [n]."""
        return standard_normal_log_prob(z)

    def kl(self, posterior: Posterior, generator: torch.Generator) -> Tensor:
        """The divergence per example, nats [B]: exact for a normal posterior, else from its one sample.

        Raises:  ConfigError when the posterior has neither mean and log_var nor log_q
        """
        if posterior.mean is not None and posterior.log_var is not None:
            return kl_to_standard_normal(posterior.mean, posterior.log_var)
        (log_q,) = require(posterior, "log_q", by="kl")
        return log_q - self.log_prob(posterior.z)
