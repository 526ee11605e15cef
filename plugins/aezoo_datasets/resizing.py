"""Images in memory brought to another size."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def resize(values: Tensor, side: int | None) -> Tensor:
    """uint8 [N, C, H, W] -> uint8 [N, C, side, side], bilinear and antialiased; None: as they are."""
    if side is None or values.shape[-2:] == (side, side):
        return values
    size = (side, side)
    return torch.cat(
        [
            F.interpolate(rows.float(), size, mode="bilinear", antialias=True).round().clamp(0, 255).byte()
            for rows in values.split(4096)
        ]
    )
