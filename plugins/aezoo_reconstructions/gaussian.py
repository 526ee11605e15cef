"""Gaussian likelihood with one learned scale. Dai & Wipf, ICLR 2019 (2-stage VAE, arXiv:1903.05789)."""

from __future__ import annotations

import math
from typing import Annotated, final

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor, nn

from aezoo.api import Reconstruction, Step, Terms, gaussian_nll


@final
class GaussianNLL(Reconstruction):
    """-log N(x; x_hat, gamma^2 I), sum over dimensions, mean over the batch; often below 0.

    With `learn_gamma` off and gamma^2 = v, the loss is that of a beta-VAE with beta = v, up to scale.
    """

    log_gamma: Tensor  # []

    def __init__(
        self,
        *,
        learn_gamma: Annotated[
            bool, Field(description="learn the scale together with the autoencoder")
        ] = True,
        gamma: Annotated[
            PositiveFloat, Field(description="standard deviation of x around x_hat at the start, > 0")
        ] = 1.0,
        floor: Annotated[
            float,
            Field(
                description="least log gamma. Without one, an autoencoder that overfits sends gamma to 0, "
                "the cost to -infinity and its gradient, which grows as 1 / gamma^2, out of float32"
            ),
        ] = -6.0,
    ) -> None:
        super().__init__()
        start = torch.tensor(max(math.log(gamma), floor))
        if learn_gamma:
            self.log_gamma = nn.Parameter(start)
        else:
            self.register_buffer("log_gamma", start)
        self.floor = floor

    @property
    def gamma(self) -> Tensor:
        """Standard deviation of x around x_hat []."""
        return self.log_gamma.exp()

    def terms(self, step: Step) -> Terms:
        step.note("gamma", self.gamma)
        return {"gaussian": gaussian_nll(step.x, step.x_hat, self.log_gamma).mean()}

    def log_likelihood(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """log N(x; x_hat, gamma^2 I), nats [B], with its normalising constant."""
        return -gaussian_nll(x, x_hat, self.log_gamma)

    def after(self, step: Step) -> None:
        """Back to the floor: a clamp inside the loss would leave log gamma below it, out of reach."""
        self.log_gamma.clamp_(min=self.floor)
