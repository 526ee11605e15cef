"""KL(q(z|x) || p(z)), the divergence of variational autoencoders.

Kingma & Welling, ICLR 2014 (arXiv:1312.6114); weighted: Higgins et al., ICLR 2017 (beta-VAE). How the
divergence is computed is the prior's business: in closed form where it has one, else from the
posterior's one sample.
"""

from __future__ import annotations

from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor

from aezoo.api import (
    Autoencoder,
    ConfigError,
    HasDensity,
    HasKL,
    LatentPrior,
    Number,
    Posterior,
    Regularizer,
    Step,
    Terms,
    require,
    take_per_row,
    value_at,
)


@final
class KL(Regularizer):
    """beta times the divergence from the prior in force while training.

    With a reconstruction cost in nats and weight 1 the loss is the negative ELBO.
    """

    def __init__(
        self,
        *,
        weight: Annotated[
            Number, Field(description="beta, multiplies the divergence in nats, >= 0; or a ramp")
        ] = 1.0,
    ) -> None:
        super().__init__()
        self.weight = weight

    def attach(self, model: Autoencoder) -> None:
        """Refuse an encoder and a prior between which no divergence can be computed."""
        prior, posterior = model.prior_in_force, model.probe
        if isinstance(prior, HasKL):
            if posterior.mean is None or posterior.log_var is None:
                require(posterior, "log_q", by="kl")
        elif isinstance(prior, HasDensity):
            require(posterior, "log_q", by="kl")
        else:
            raise _no_density(prior)

    def terms(self, step: Step) -> Terms:
        kl = divergence(step.posterior, step.model.prior_in_force, step.generator).mean()
        step.note(self.named("kl_nats"), kl)
        return {self.named("kl"): value_at(self.weight, step.number) * kl}


def divergence(posterior: Posterior, prior: LatentPrior, generator: torch.Generator) -> Tensor:
    """KL per example, nats [B]; the estimate from one sample may be below 0.

    Raises:  ConfigError when neither the prior nor the posterior's own density allows it
    """
    if isinstance(prior, HasKL):
        return take_per_row(prior.kl(posterior, generator), prior.kl, len(posterior.z))
    if isinstance(prior, HasDensity):
        (log_q,) = require(posterior, "log_q", by="kl")
        return log_q - take_per_row(prior.log_prob(posterior.z), prior.log_prob, len(posterior.z))
    raise _no_density(prior)


def _no_density(prior: LatentPrior | None) -> ConfigError:
    return ConfigError(
        f"kl needs a prior with a density, and {type(prior).__name__} has none",
        where="divergence.name",
        fix="choose another divergence, such as 'wgan', or a prior such as 'normal'",
    )
