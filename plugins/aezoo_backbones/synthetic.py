"""The network for FlexAE's synthetic vectors: "To Regularize or Not To Regularize?", Table 5."""

from __future__ import annotations

from typing import Annotated, final

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from aezoo.api import ConfigError


@final
class Synthetic:
    """Encoder with one hidden ReLU layer; the decoder is a single affine layer, without hidden ones."""

    def __init__(
        self, hidden: Annotated[PositiveInt, Field(description="units of the encoder's hidden layer")] = 128
    ) -> None:
        self.hidden = hidden

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, D] -> features [B, hidden].

        Raises:  ConfigError unless x is a vector
        """
        return _Encoder(_width(shape), self.hidden)

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, D], unbounded.

        Raises:  ConfigError unless x is a vector
        """
        return nn.Linear(latent_dim, _width(shape))


@final
class _Encoder(nn.Module):
    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        self.features = features
        self.hidden = nn.Linear(width, features)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.hidden(x)
        return h.relu()


def _width(shape: tuple[int, ...]) -> int:
    if len(shape) != 1:
        raise ConfigError(
            f"the synthetic backbone takes vectors, and x has the shape {tuple(shape)}",
            where="backbone.name",
            fix="use the backbone 'conv' for images",
        )
    return shape[0]
