"""The Wasserstein tie between codes and prior: a latent critic, the encoder, and a prior that learns.

FlexAE (Mondal et al., UAI 2021), equations 5 to 8; with a fixed prior, a WAE with a Wasserstein critic.
The critic is high on codes of images and low on codes of the prior.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, final

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt

from aezoo.api import (
    Autoencoder,
    Number,
    OptimizerConfig,
    Phase,
    Regularizer,
    Step,
    Terms,
    at_least_float32,
    batch_norms,
    glorot_normal_,
    gradient_penalty,
    mlp,
    value_at,
)

# For a thousand steps; the released code's rates, for 130,000, are 1e-4, 2e-4 and 1e-5.
CRITIC = OptimizerConfig(lr=5e-4, betas=(0.0, 0.9))
PRIOR = OptimizerConfig(lr=5e-4, betas=(0.0, 0.9))
ENCODER = OptimizerConfig(lr=1e-4, betas=(0.0, 0.9))


@final
class WGAN(Regularizer):
    """D_Z = W_1(Q(z), P(z)) by a critic with gradient penalty.

    The trade-off with the reconstruction is the ratio of the phases' learning rates.
    """

    def __init__(
        self,
        latent_dim: int,
        hidden: Annotated[
            tuple[PositiveInt, ...],
            Field(description="units of each hidden layer of the critic; published: 1024 four times"),
        ] = (128, 128),
        penalty: Annotated[
            NonNegativeFloat, Field(description="beta, weight of the gradient penalty")
        ] = 10.0,
        weight: Annotated[
            Number,
            Field(
                description="lambda of the encoder's and the prior's losses; "
                "inert under Adam while it is constant"
            ),
        ] = 1.0,
        show_prior: Annotated[
            bool,
            Field(description="let the learned prior's codes reach the BatchNorm statistics of the decoder"),
        ] = True,
    ) -> None:
        super().__init__()
        self.critic = glorot_normal_(mlp([latent_dim, *hidden, 1]))  # as released
        self.penalty, self.weight, self.show_prior = penalty, weight, show_prior

    def phases(self, model: Autoencoder) -> Iterable[Phase]:
        """Critic, prior (where it has weights) and encoder."""
        prior = model.prior_in_force
        yield Phase(self.named("latent_critic"), self.critic_loss, [self.critic], CRITIC, role="critic")
        if any(weight.requires_grad for weight in prior.parameters()):
            yield Phase(self.named("prior"), self.prior_loss, [prior], PRIOR)
        yield Phase(self.named("encoder"), self.encoder_loss, [model.encoder], ENCODER)

    def critic_loss(self, step: Step) -> Terms:
        """Equation 5: E C(z_prior) - E C(z) + beta E (||grad C(z_bar)|| - 1)^2."""
        z, z_prior = step.z.detach(), step.z_prior.detach()
        alpha = torch.rand(len(z), generator=step.generator, device=z.device)  # one per example
        low, high = at_least_float32(self.critic(torch.cat([z_prior, z]))).chunk(2)  # one pass over both
        gap = low.mean() - high.mean()
        step.note("wasserstein", -gap)
        return {"gap": gap, "penalty": self.penalty * gradient_penalty(self.critic, z, z_prior, alpha).mean()}

    def prior_loss(self, step: Step) -> Terms:
        """Equation 7: the prior's codes go where the critic is high."""
        if self.show_prior and batch_norms(step.model.decoder):
            with torch.no_grad():  # not a remembered pass: those leave the running statistics alone
                step.model.decoder(step.z_prior)
        return {
            "prior": -value_at(self.weight, step.number) * at_least_float32(self.critic(step.z_prior)).mean()
        }

    def encoder_loss(self, step: Step) -> Terms:
        """Equation 8: the images' codes go where the critic is low."""
        return {"encoder": value_at(self.weight, step.number) * at_least_float32(self.critic(step.z)).mean()}
