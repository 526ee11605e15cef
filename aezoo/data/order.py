"""Which rows a minibatch holds: a pure function of seed, stream and number."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from aezoo.randomness import generator_for


@final
class Order:
    """Row numbers of minibatches, in endlessly shuffled epochs.

    Minibatch `draw` begins at position draw * batch_size in an endless sequence of permutations, each from
    (seed, stream, epoch). So resume is one number, and a second stream is independent of the first.
    """

    def __init__(self, rows: int, batch_size: int, *, seed: int, device: torch.device | str = "cpu") -> None:
        self._rows = rows
        self._device = device  # where the indices are needed: one transfer an epoch, none a minibatch
        self._batch_size = batch_size
        self._seed = seed
        self._orders: dict[int, tuple[int, Tensor]] = {}  # stream -> the epoch at hand and its order

    def indices(self, draw: int, stream: int = 0) -> Tensor:
        """The rows of a minibatch, int64 [B] on the device."""
        epoch, first = divmod(draw * self._batch_size, self._rows)
        found = self._epoch(epoch, stream)[first : first + self._batch_size]
        while len(found) < self._batch_size:  # across the end of an epoch
            epoch += 1
            found = torch.cat([found, self._epoch(epoch, stream)[: self._batch_size - len(found)]])
        return found

    def mirror(self, x: Tensor, draw: int, stream: int = 0) -> Tensor:
        """x [B, C, H, W] with half of its images, chosen by seed, stream and draw, mirrored left to right."""
        generator = generator_for("cpu", self._seed, "flip", stream, draw)
        chosen = torch.rand(len(x), generator=generator) < 0.5
        return torch.where(chosen.to(x.device)[:, None, None, None], x.flip(-1), x)

    def _epoch(self, epoch: int, stream: int) -> Tensor:
        known = self._orders.get(stream)
        if known is None or known[0] != epoch:
            generator = generator_for("cpu", self._seed, "data", stream, epoch)
            known = (epoch, torch.randperm(self._rows, generator=generator).to(self._device))
            self._orders[stream] = known
        return known[1]
