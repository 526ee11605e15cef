"""Handwritten digits that come with scikit-learn: 1797 images of 8x8, no download.

Source:  the test part of Alpaydin & Kaynak's "Optical recognition of handwritten digits" (UCI, 1998)
"""

from __future__ import annotations

from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from aezoo.api import Data, Split

TRAIN = 1437  # of 1797 rows; the other 360 are the test split
SPLIT_SEED = 0  # of the one permutation behind the split; part of the dataset's definition


@final
class Digits:
    """Digits 0 to 9 in 17 grey levels, x in [0, 1], split at random once and for all."""

    def __init__(
        self,
        image_size: Annotated[
            int | None, Field(ge=1, description="side to resize to, pixels; none: 8x8 as they are")
        ] = None,
    ) -> None:
        self.image_size = image_size

    def load(self) -> Data:
        """Both splits; uint8 values of 0..16, or of 0..255 once resized."""
        values, labels = _rows()
        scale = 1 / 16
        if self.image_size is not None:
            values, scale = _resize(values / 16, self.image_size), 1 / 255
        order = torch.randperm(len(values), generator=torch.Generator().manual_seed(SPLIT_SEED))
        train, test = order[:TRAIN], order[TRAIN:]
        return Data(
            name="digits",
            shape=tuple(values.shape[1:]),
            range=(0.0, 1.0),
            train=Split(values[train], labels[train]),
            test=Split(values[test], labels[test]),
            scale=scale,
            classes=tuple(str(digit) for digit in range(10)),
        )


def _rows() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits  # slow to import, needed here alone

    bunch = load_digits()
    images = torch.from_numpy(bunch.images).to(torch.uint8).unsqueeze(1)  # [1797, 1, 8, 8]
    return images, torch.from_numpy(bunch.target).long()


def _resize(x: Tensor, side: int) -> Tensor:
    y = F.interpolate(x, size=(side, side), mode="bilinear", antialias=True)
    return (y * 255).round().clamp(0, 255).to(torch.uint8)
