"""Vectors as they are."""

from __future__ import annotations

from typing import final

from torch import Tensor

from aezoo.api import ConfigError, Extractor


@final
class Identity(Extractor):
    """A vector is its own feature."""

    takes = "vectors"
    layer = "vector"

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__()
        if len(shape) != 1:
            raise ConfigError(
                f"the extractor 'identity' takes vectors, and rows of this dataset have shape {tuple(shape)}",
                where="extractor",
                fix="choose an extractor of images; `aezoo list extractor` shows them all",
            )

    def forward(self, x: Tensor) -> Tensor:
        """x [B, D], float32."""
        return x.float()
