"""Images as they are, pixel by pixel."""

from __future__ import annotations

from typing import final

from torch import Tensor

from aezoo.api import Extractor
from aezoo_extractors.shapes import image_shape


@final
class Pixels(Extractor):
    """Values in [0, 1], C * H * W of them."""

    takes = "images"
    layer = "pixels"

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__()
        image_shape(shape, "pixels")

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] as [B, C * H * W]."""
        return x.flatten(1).float()
