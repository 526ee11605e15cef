"""The decoder: the backbone's network, brought into the dataset's range."""

from __future__ import annotations

from typing import final

from torch import Tensor

from aezoo.api import Backbone, ConfigError, Decoder


@final
class BackboneDecoder(Decoder):
    """Sigmoid for the range (0, 1), a scaled tanh for other ranges, nothing for unbounded data.

    range:  smallest and largest value of x, or None
    """

    def __init__(
        self,
        backbone: Backbone,
        shape: tuple[int, ...],
        latent_dim: int,
        range: tuple[float, float] | None,
    ) -> None:
        super().__init__()
        if range is not None and not range[0] < range[1]:
            raise ConfigError(
                f"the range {tuple(range)} of x is empty",
                where="dataset",
                fix="the dataset's range is (smallest, largest), or None for unbounded vectors",
            )
        self.body = backbone.decoder(latent_dim, shape)
        self.range = range

    def forward(self, z: Tensor) -> Tensor:
        """z [B, m] -> x_hat [B, *shape] in the range."""
        return _bound(self.body(z), self.range)


def _bound(y: Tensor, range: tuple[float, float] | None) -> Tensor:
    if range is None:
        return y
    low, high = range
    if (low, high) == (0.0, 1.0):
        return y.sigmoid()
    return 0.5 * (low + high) + 0.5 * (high - low) * y.tanh()
