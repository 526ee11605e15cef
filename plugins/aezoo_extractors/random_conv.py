"""An untrained convolutional network: features that need no weights, for images of any size.

Its features know edges and places at four scales and nothing of what is shown. A Frechet distance in them
ranks samples of one dataset; its value says nothing across datasets.
"""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aezoo.api import Extractor
from aezoo_extractors.shapes import image_shape

WIDTHS = (16, 16, 16, 16)  # maps of each layer; from the second on, sides are halved
GRID = 2  # maps are averaged over the quarters of the image: what is where counts, roughly


@final
class RandomConv(Extractor):
    """Means of the maps of four 3x3 convolutions with ReLU over each quarter of the image: 256 features.

    The kernels follow from nothing but the number of channels, and are the same on any machine.
    """

    takes = "images"
    layer = f"means of {len(WIDTHS)} layers over {GRID}x{GRID} cells"

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, _, _ = image_shape(shape, "random-conv")
        widths = (channels, *WIDTHS)
        self.kernels = nn.ParameterList(
            nn.Parameter(_kernel(layer, narrow, wide), requires_grad=False)
            for layer, (narrow, wide) in enumerate(pairwise(widths))
        )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] to [B, 256]: layer by layer, map by map, the cells row by row."""
        maps, found = 2 * x - 1, []
        for layer, kernel in enumerate(self.kernels):
            maps = F.relu(F.conv2d(maps, kernel, stride=1 if layer == 0 else 2, padding=1))
            found.append(F.adaptive_avg_pool2d(maps, GRID).flatten(1))
        return torch.cat(found, 1)


def _kernel(layer: int, inputs: int, outputs: int) -> Tensor:
    """[outputs, inputs, 3, 3], uniform with the variance 2 / fan-in that keeps the size of maps under ReLU.

    Python promises the same `random()` for the same seed in every version and on every machine; torch
    promises it for none of its generators.
    """
    draw = random.Random(layer).random
    bound = math.sqrt(6 / (9 * inputs))
    values = [bound * (2 * draw() - 1) for _ in range(outputs * inputs * 9)]
    return torch.tensor(values, dtype=torch.float32).view(outputs, inputs, 3, 3)
