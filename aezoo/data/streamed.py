"""A dataset that is read as it is needed: the same minibatches as from memory, decoded one at a time."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from aezoo.data.order import Order, Sizes
from aezoo.parts.types import Data, Rows, Split

_ENDLESS = 1 << 62  # draws in a loader's sequence


@final
class Streamed:
    """Minibatches out of rows that do not fit into memory, equal to `Resident`'s bit by bit.

    workers:  processes that decode ahead; with 0 a minibatch is decoded when it is asked for
    """

    def __init__(
        self,
        data: Data,
        split: Split,
        sizes: int | Sizes,
        *,
        seed: int,
        device: torch.device,
        workers: int = 0,
    ) -> None:
        self._data, self._device, self._workers = data, device, workers
        self._order = Order(len(split), sizes, seed=seed)
        self._rows = split.values
        self._ahead: dict[int, _Ahead] = {}

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        """x [B, *shape] of minibatch number `draw`, float32 in the dataset's range."""
        x = self._data.x(self._values(draw, stream).to(self._device, non_blocking=True))
        return self._order.mirror(x, draw, stream) if self._data.flip else x

    def _values(self, draw: int, stream: int) -> Tensor:
        if self._workers == 0:
            return self._rows[self._order.indices(draw, stream)]
        if stream not in self._ahead:
            minibatches = _Minibatches(self._rows, self._order, stream)
            self._ahead[stream] = _Ahead(minibatches, self._workers, pin=self._device.type == "cuda")
        return self._ahead[stream].get(draw)


@final
class _Minibatches(Dataset[Tensor]):
    """Draw -> uint8 [B, *shape] of one stream, for worker processes."""

    def __init__(self, rows: Tensor | Rows, order: Order, stream: int) -> None:
        self._rows, self._order, self._stream = rows, order, stream

    def __getitem__(self, draw: int) -> Tensor:
        return self._rows[self._order.indices(draw, self._stream)]


class _Ahead:
    """A loader that runs ahead in the stride of the last two draws; a wrong guess begins it anew."""

    def __init__(self, minibatches: _Minibatches, workers: int, *, pin: bool) -> None:
        self._minibatches, self._workers, self._pin = minibatches, workers, pin
        self._last, self._next, self._stride = -1, -1, 1
        self._batches: Iterator[Tensor] = iter(())

    def get(self, draw: int) -> Tensor:
        if draw != self._next:
            self._stride = max(draw - self._last, 1) if self._last >= 0 else 1
            self._batches = iter(self._loader(range(draw, _ENDLESS, self._stride)))
        self._last, self._next = draw, draw + self._stride
        return next(self._batches)

    def _loader(self, draws: range) -> DataLoader[Tensor]:
        return DataLoader(
            self._minibatches,
            batch_size=None,
            sampler=draws,
            num_workers=self._workers,
            pin_memory=self._pin,
            worker_init_fn=_leave_signals,
        )


def _leave_signals(worker: int) -> None:
    """Ctrl-C reaches workers too, but only the trainer decides when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
