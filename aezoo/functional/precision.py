"""Sums that half precision would spoil."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """x in float32 where it has fewer bits; float64 stays. To be called before a sum, a mean, a difference.

    Autocast has networks answer in bfloat16, whose 8 bits round a sum of 64 numbers by a part in 256.

    >>> at_least_float32(torch.ones(2, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return x.to(torch.promote_types(x.dtype, torch.float32))
