"""The adversarial interpolation smoother of FlexAE-SR (Mondal et al., UAI 2021), equations 4, 9 and 10.

Images decoded from between two codes should look like data; an image critic says how far they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, final

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from aezoo.api import (
    Autoencoder,
    Number,
    OptimizerConfig,
    Phase,
    Regularizer,
    Step,
    Terms,
    at_least_float32,
    glorot_uniform_,
    gradient_penalty,
    interpolate,
    mlp,
    value_at,
)

# For a thousand steps; the released code's rate, for 130,000, is 2e-4 for both.
CRITIC = OptimizerConfig(lr=1e-3, betas=(0.5, 0.9))
SMOOTHING = OptimizerConfig(lr=1e-3, betas=(0.5, 0.9))


@final
class Interp(Regularizer):
    """W_1 between data and decoded interpolations; moves encoder and decoder.

    The released critic is channels (64, 128), hidden 1024.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: Annotated[
            tuple[PositiveInt, ...], Field(description="of the 4x4 convolutions with stride 2")
        ] = (32, 64),
        hidden: Annotated[
            PositiveInt, Field(description="units of the layer before the critic's output")
        ] = 128,
        penalty: Annotated[
            NonNegativeFloat, Field(description="beta, weight of the gradient penalty")
        ] = 10.0,
        weight: Annotated[
            Number, Field(description="lambda_2 of the smoothing loss; inert under Adam while it is constant")
        ] = 1.0,
    ) -> None:
        super().__init__()
        self.critic = glorot_uniform_(image_critic(shape, channels, hidden))  # as released
        self.penalty, self.weight = penalty, weight

    def phases(self, model: Autoencoder) -> Iterable[Phase]:
        """The image critic, and the smoothing of encoder and decoder."""
        yield Phase(self.named("image_critic"), self.critic_loss, [self.critic], CRITIC, role="critic")
        yield Phase(self.named("smoothing"), self.smoothing_loss, [model.encoder, model.decoder], SMOOTHING)

    def critic_loss(self, step: Step) -> Terms:
        """Equation 9: E C(x_inp) - E C(x) + beta E (||grad C(x_bar)|| - 1)^2."""
        x, x_inp = step.x, decode_between(step).detach()
        alpha = torch.rand(len(x), generator=step.generator, device=x.device)  # one per example
        low, high = at_least_float32(self.critic(torch.cat([x_inp, x]))).chunk(2)  # one pass over both
        gap = low.mean() - high.mean()
        step.note("wasserstein", -gap)
        return {"gap": gap, "penalty": self.penalty * gradient_penalty(self.critic, x, x_inp, alpha).mean()}

    def smoothing_loss(self, step: Step) -> Terms:
        """Equation 10; the gradient reaches the decoder, and the encoder by way of both codes."""
        height = at_least_float32(self.critic(decode_between(step))).mean()
        return {"smoothing": -value_at(self.weight, step.number) * height}


def decode_between(step: Step) -> Tensor:
    """x_inp = D(gamma z + (1 - gamma) z'), z' of an independent batch, gamma ~ U[0, 1] per example."""
    encoder, decoder = step.model.encoder, step.model.decoder

    def compute() -> Tensor:
        gamma = torch.rand(len(step.x), generator=step.generator, device=step.x.device)
        x_inp: Tensor = decoder(interpolate(step.z, step.partner.z, gamma))
        return x_inp

    return step.once("x_inp", compute, encoder, decoder)


def image_critic(shape: tuple[int, ...], channels: tuple[int, ...], hidden: int) -> nn.Module:
    """x [B, *shape] -> [B, 1]; no normalisation, whose statistics would couple the examples.

    Vectors, and images with a side below 16, get two linear layers of `hidden` units instead of
    convolutions, whose second derivatives cost more there than they help.
    """
    size = math.prod(shape)
    if len(shape) != 3 or min(shape[1:]) < 16:
        return nn.Sequential(nn.Flatten(), mlp([size, hidden, hidden, 1]))
    depth, height, width = shape
    layers: list[nn.Module] = []
    for count in channels:
        layers += [nn.Conv2d(depth, count, 4, stride=2, padding=1), nn.ReLU()]
        depth, height, width = count, height // 2, width // 2
    return nn.Sequential(*layers, nn.Flatten(), mlp([depth * height * width, hidden, 1]))
