"""The network of FlexAE's earlier version, "To Regularize or Not To Regularize?", Table 6.

Taken over there from Kumar, Poole & Murphy 2020. Convolutions with "same" padding; every hidden
layer has BatchNorm and ELU.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import final

from torch import Tensor, nn

from aezoo.api import ConfigError, SameConv2d, SameConvTranspose2d

# The paper does not say; the defaults of tf.layers, as in the authors' later code.
MOMENTUM, EPS = 0.01, 1e-3


@dataclass(frozen=True)
class Table:
    """One column of Table 6: widths and strides of the encoder (E1-E5) and decoder (D0-D4)."""

    kernel: int
    encoder: tuple[tuple[int, int], ...]  # (width, stride)
    decoder_side: int  # of the map that D0 makes
    decoder: tuple[tuple[int, int], ...]  # D0's width with stride 1 first, then D1-D4


TABLES = {
    28: Table(
        kernel=4,
        encoder=((64, 1), (128, 1), (256, 2), (512, 2), (512, 1)),
        decoder_side=7,
        decoder=((256, 1), (512, 1), (256, 1), (128, 2), (64, 2)),
    ),
    32: Table(
        kernel=4,
        encoder=((128, 1), (256, 2), (512, 2), (1024, 2), (1024, 1)),
        decoder_side=8,
        decoder=((512, 1), (1024, 1), (512, 1), (256, 2), (128, 2)),
    ),
    64: Table(
        kernel=5,
        encoder=((128, 1), (256, 2), (512, 2), (1024, 2), (1024, 2)),
        decoder_side=16,
        decoder=((512, 1), (1024, 1), (512, 1), (256, 2), (128, 2)),
    ),
}


@final
class PaperV1:
    """Table 6 for squares of side 28, 32 and 64, with any number of channels: the side picks the column."""

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, C, S, S] -> the flattened last map, [B, 25088] for S = 28 and [B, 16384] else.

        Raises:  ConfigError for other sides
        """
        return _Encoder(shape[0], shape[-1], _table(shape))

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, C, S, S], unbounded.

        Raises:  ConfigError for other sides
        """
        table = _table(shape)
        width, side = table.decoder[0][0], table.decoder_side
        layers: list[nn.Module] = [
            nn.Linear(latent_dim, width * side * side),
            nn.BatchNorm1d(width * side * side, EPS, MOMENTUM),
            nn.ELU(),
            nn.Unflatten(1, (width, side, side)),
        ]
        for (n_in, _), (n_out, stride) in pairwise(table.decoder):
            layers += _hidden(SameConvTranspose2d(n_in, n_out, table.kernel, stride), n_out)
        layers.append(SameConv2d(table.decoder[-1][0], shape[0], table.kernel))
        return nn.Sequential(*layers)


@final
class _Encoder(nn.Module):
    def __init__(self, channels: int, side: int, table: Table) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for (n_in, _), (n_out, stride) in pairwise(((channels, 1), *table.encoder)):
            layers += _hidden(SameConv2d(n_in, n_out, table.kernel, stride), n_out)
            side = side // stride
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.features = table.encoder[-1][0] * side * side

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.layers(x)
        return h


def _hidden(conv: nn.Module, width: int) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(width, EPS, MOMENTUM), nn.ELU()


def _table(shape: tuple[int, ...]) -> Table:
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in TABLES:
        raise ConfigError(
            f"the paper-v1 backbone cannot take x of shape {tuple(shape)}: the paper has tables "
            "for images of 28x28, 32x32 and 64x64 only",
            where="backbone.name",
            fix="use the backbone 'conv' for other sides, or 'mlp' for vectors",
        )
    return TABLES[shape[1]]
