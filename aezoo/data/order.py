"""Which rows a minibatch holds: a pure function of seed, stream and number."""

from __future__ import annotations

from itertools import accumulate
from typing import final

import torch
from torch import Tensor

from aezoo.config.ramps import Count, Ramp, Staircase, value_at
from aezoo.randomness import generator_for


@final
class Sizes:
    """How many rows each minibatch has, and where it begins in an endless sequence of rows.

    batch_size:  of every minibatch, or of those of each step
    draws:       minibatches of a step
    """

    def __init__(self, batch_size: Count, draws: int = 1) -> None:
        self._batch_size, self._draws = batch_size, draws
        self._begins = [0]  # rows before each step, as far as they were asked for

    def at(self, draw: int) -> tuple[int, int]:
        """The first row and the number of rows of minibatch `draw`."""
        step, turn = divmod(draw, self._draws)
        size = self.of_step(step)
        return self.before(step) + turn * size, size

    def of_step(self, step: int) -> int:
        """Rows of each of a step's minibatches."""
        return max(1, round(value_at(self._batch_size, step)))

    def before(self, step: int) -> int:
        """Rows that all steps before this one take."""
        if isinstance(self._batch_size, int):
            return step * self._draws * self._batch_size
        known = len(self._begins)
        later = (self._draws * self.of_step(number) for number in range(known - 1, step))
        self._begins += list(accumulate(later, initial=self._begins[-1]))[1:]
        return self._begins[step]

    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest number of rows."""
        match self._batch_size:
            case Staircase(values=values):
                ends = list(values)
            case Ramp() as ramp:
                ends = [ramp(0), ramp.start, ramp.end]
            case size:
                ends = [size]
        sizes = [max(1, round(end)) for end in ends]
        return min(sizes), max(sizes)


@final
class Order:
    """Row numbers of minibatches, in endlessly shuffled epochs.

    Minibatch after minibatch is cut from endless permutations of the rows, each from (seed, stream, epoch).
    So resume is one number, and a second stream is independent of the first.
    """

    def __init__(
        self, rows: int, sizes: int | Sizes, *, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        self._rows = rows
        self._device = device  # where the indices are needed: one transfer an epoch, none a minibatch
        self._sizes = sizes if isinstance(sizes, Sizes) else Sizes(sizes)
        self._seed = seed
        self._orders: dict[int, tuple[int, Tensor]] = {}  # stream -> the epoch at hand and its order

    def indices(self, draw: int, stream: int = 0) -> Tensor:
        """The rows of a minibatch, int64 [B] on the device."""
        begin, size = self._sizes.at(draw)
        epoch, first = divmod(begin, self._rows)
        found = self._epoch(epoch, stream)[first : first + size]
        while len(found) < size:  # across the end of an epoch
            epoch += 1
            found = torch.cat([found, self._epoch(epoch, stream)[: size - len(found)]])
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
