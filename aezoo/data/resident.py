"""A dataset that lives in memory on the training device: a batch is an index and a scale."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from aezoo.data.memory import gather
from aezoo.data.order import Order, Sizes
from aezoo.parts.types import Data, Split


@final
class Resident:
    """Minibatches out of one tensor. `batch(draw, stream)` is a pure function (see `Order`)."""

    def __init__(
        self, data: Data, split: Split, sizes: int | Sizes, *, seed: int, device: torch.device
    ) -> None:
        self._data = data
        self._values = gather(split.values).to(device)
        self._order = Order(len(split), sizes, seed=seed, device=device)

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        """x [B, *shape] of minibatch number `draw`, float32 in the dataset's range."""
        x = self._data.x(self._values[self._order.indices(draw, stream)])
        return self._order.mirror(x, draw, stream) if self._data.flip else x
