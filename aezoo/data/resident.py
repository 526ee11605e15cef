"""A dataset that lives in memory on the training device: a batch is an index and a scale."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from aezoo.randomness import generator_for
from aezoo.types import Data, Split


@final
class Resident:
    """Minibatches out of one tensor, in endlessly shuffled epochs.

    `batch(draw, stream)` is a pure function: position draw * batch_size in an endless sequence of
    permutations, each from (seed, stream, epoch). So resume is one number, and a second stream is
    independent of the first.
    """

    def __init__(self, data: Data, split: Split, batch_size: int, *, seed: int, device: torch.device) -> None:
        self._data = data
        self._values = split.values.to(device)
        self._batch_size = batch_size
        self._seed = seed
        self._orders: dict[int, tuple[int, Tensor]] = {}  # stream -> the epoch at hand and its order

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        """x [B, *shape] of minibatch number `draw`, float32 in the dataset's range."""
        epoch, first = divmod(draw * self._batch_size, len(self._values))
        rows = self._order(epoch, stream)[first : first + self._batch_size]
        while len(rows) < self._batch_size:  # across the end of an epoch
            epoch += 1
            rows = torch.cat([rows, self._order(epoch, stream)[: self._batch_size - len(rows)]])
        return self._data.x(self._values[rows])

    def _order(self, epoch: int, stream: int) -> Tensor:
        known = self._orders.get(stream)
        if known is None or known[0] != epoch:
            order = torch.randperm(len(self._values), generator=self._generator(epoch, stream))
            known = (epoch, order.to(self._values.device))
            self._orders[stream] = known
        return known[1]

    def _generator(self, epoch: int, stream: int) -> torch.Generator:
        return generator_for("cpu", self._seed, "data", stream, epoch)
