"""The classifiers' network: a small residual network that ends in a global mean."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn


@final
class Network(nn.Module):
    """Images [B, C, H, W] in [0, 1] to features [B, widths[-1]] and to logits [B, classes].

    A 3x3 stem of widths[0] maps, then for each further width a 3x3 convolution of stride 2 and one
    residual block, each convolution with BatchNorm and ReLU; features are means of the last maps.
    As Inception's pool3 they are means over places, hence closer to a Gaussian than single units.
    """

    def __init__(self, channels: int, widths: Sequence[int], classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(channels, widths[0])]
        for narrow, wide in pairwise(widths):
            layers += [_convolution(narrow, wide, stride=2), _Residual(wide)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], classes)

    def features(self, x: Tensor) -> Tensor:
        """Means of the last maps, >= 0."""
        maps: Tensor = self.body(2 * x - 1)
        return maps.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.head(self.features(x))
        return logits


@final
class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = nn.Sequential(_convolution(width, width), _convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.block(x)
        return y


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def empty(channels: int, widths: Sequence[int], classes: int) -> Network:
    """The network with weights yet to be written; no random number is drawn for them."""
    with torch.device("meta"):
        network = Network(channels, widths, classes)
    return network.to_empty(device="cpu")


def fresh(channels: int, widths: Sequence[int], classes: int, generator: torch.Generator) -> Network:
    """The network at the start of a training."""
    network = empty(channels, widths, classes)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(network.head.bias)
    return network
