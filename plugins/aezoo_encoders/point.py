"""A deterministic encoder: one code for an image."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from aezoo.api import Backbone, Encoder, Posterior, glorot_uniform_


@final
class Point(Encoder):
    """z = E(x): a linear layer on the backbone's features. Gives no mean, log_var or log_q.

    Source:  the encoder of WAE (Tolstikhin et al., ICLR 2018) and FlexAE (Mondal et al., UAI 2021)
    """

    def __init__(self, backbone: Backbone, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.body = backbone.encoder(shape)
        self.head = glorot_uniform_(nn.Linear(_features(self.body), latent_dim))

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        """x [B, *shape] -> z [B, m]; there is no noise with or without a generator."""
        return Posterior(z=self.head(self.body(x)))


def _features(body: nn.Module) -> int:
    return int(body.features)  # type: ignore[arg-type]  # an int by the Backbone contract
