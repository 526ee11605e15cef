"""The general convolutional network: any number of channels, any sides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, final

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from aezoo.api import ConfigError

Side = tuple[int, int]  # height and width of a map

HALVINGS = 4  # at most; 64x64 becomes 4x4
SMALLEST = 4  # no side is halved below this

# The running statistics are a blend of about the last 20 passes: short runs settle, and several
# kinds of pass in one iteration (images, prior samples, interpolations) all count.
MOMENTUM = 0.05


@dataclass(frozen=True)
class Widths:
    """Channels of the stem and after each halving; units of the fully connected layers.

    stem:  of the 3x3 convolution at full size; 0: only images too small to halve get one
    """

    stem: int
    maps: tuple[int, ...]
    full: int


SIZES = {
    # A stem at full resolution would cost a CPU more than all the rest: small has none.
    "small": Widths(stem=0, maps=(32, 64, 64, 64), full=128),
    "base": Widths(stem=64, maps=(128, 256, 512, 512), full=1024),
}


@final
class Conv:
    """Convolutions that halve both sides, then a layer of units; the decoder mirrors them.

    BatchNorm and ReLU after every layer. Kernels of 4 with stride 2 halve the sides, rounding
    down, while the smaller one stays at least 4 and at most four times: 28 -> 14 -> 7. Sides
    below 8 are not halved; a 3x3 stem is then the only convolution.
    """

    def __init__(
        self,
        size: Annotated[
            Literal["small", "base"],
            Field(description="small: seconds on a CPU; base: about the published networks' widths"),
        ] = "small",
    ) -> None:
        self.widths = SIZES[size]

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, C, H, W] -> features [B, F].

        Raises:  ConfigError unless shape is (C, H, W)
        """
        channels, *side = _image(shape)
        return _Encoder(channels, halvings((side[0], side[1])), self.widths)

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, C, H, W], unbounded.

        Raises:  ConfigError unless shape is (C, H, W)
        """
        channels, *side = _image(shape)
        return _decoder(latent_dim, channels, halvings((side[0], side[1])), self.widths)


def halvings(side: Side) -> list[Side]:
    """The sides of each map, from the image's to the smallest.

    >>> halvings((17, 23))
    [(17, 23), (8, 11), (4, 5)]
    """
    sides = [side]
    while min(sides[-1]) >= 2 * SMALLEST and len(sides) <= HALVINGS:
        sides.append((sides[-1][0] // 2, sides[-1][1] // 2))
    return sides


@final
class _Encoder(nn.Module):
    def __init__(self, channels: int, sides: list[Side], widths: Widths) -> None:
        super().__init__()
        stem, maps = _stem(sides, widths), widths.maps[: len(sides) - 1]
        layers: list[nn.Module] = []
        if stem:
            layers += _norm(nn.Conv2d(channels, stem, 3, padding=1, bias=False), stem)
        for n_in, n_out in pairwise((stem or channels, *maps)):
            layers += _norm(nn.Conv2d(n_in, n_out, 4, 2, padding=1, bias=False), n_out)
        flat = (maps or (stem,))[-1] * math.prod(sides[-1])
        self.layers = nn.Sequential(*layers, nn.Flatten(), *_units(flat, widths.full))
        self.features = widths.full

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.layers(x)
        return h


def _decoder(latent_dim: int, channels: int, sides: list[Side], widths: Widths) -> nn.Module:
    stem, maps = _stem(sides, widths), widths.maps[: len(sides) - 1]
    first = ((maps or (stem,))[-1], *sides[-1])
    layers: list[nn.Module] = [
        *_units(latent_dim, widths.full),
        *_units(widths.full, math.prod(first)),
        nn.Unflatten(1, first),
    ]
    outputs = (stem, *maps) if stem else maps  # of each layer below; without a stem one is left
    targets = sides if stem else sides[1:]
    for (n_out, n_in), target in reversed(list(zip(pairwise(outputs), targets[:-1], strict=True))):
        layers += _norm(_doubling(n_in, n_out, target), n_out)
    if stem:
        return nn.Sequential(*layers, nn.Conv2d(stem, channels, 3, padding=1))
    return nn.Sequential(*layers, LastDoubling(maps[0], channels, sides[0]))


@final
class LastDoubling(nn.Module):
    """A transposed convolution with kernel 4, stride 2 and padding 1, for few output channels.

    Computed as a 2x2 convolution that makes the four phases of every 2x2 block: the same function,
    and four times as fast on a CPU when there are one to three output channels.

    Shapes:  [B, in, H // 2, W // 2] -> [B, out, H, W], where target = (H, W), even or odd
    """

    def __init__(self, n_in: int, n_out: int, target: Side) -> None:
        super().__init__()
        self.target = target
        self.phases = nn.Conv2d(n_in, 4 * n_out, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.pixel_shuffle(self.phases(x), 2)  # [B, out, 2 (H // 2) + 2, 2 (W // 2) + 2]
        height, width = self.target
        return y[:, :, 1 : height + 1, 1 : width + 1]


def _doubling(n_in: int, n_out: int, target: Side) -> nn.Module:
    odd = (target[0] % 2, target[1] % 2)  # the row that halving rounded away
    return nn.ConvTranspose2d(n_in, n_out, 4, 2, padding=1, output_padding=odd, bias=False)


def _stem(sides: list[Side], widths: Widths) -> int:
    return widths.stem or (widths.maps[0] if len(sides) == 1 else 0)


def _norm(conv: nn.Module, width: int) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(width, momentum=MOMENTUM), nn.ReLU()


def _units(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    linear = nn.Linear(n_in, n_out, bias=False)
    return linear, nn.BatchNorm1d(n_out, momentum=MOMENTUM), nn.ReLU()


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or min(shape) < 1:
        raise ConfigError(
            f"the conv backbone takes images (C, H, W), and x has the shape {tuple(shape)}",
            where="backbone.name",
            fix="use the backbone 'mlp' or 'synthetic' for vectors",
        )
    return shape[0], shape[1], shape[2]
