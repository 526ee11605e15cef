"""Layers that keep running statistics, and passes that leave them alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def batch_norms(*parts: nn.Module) -> tuple[nn.Module, ...]:
    """Layers of some parts that keep running statistics."""
    layers = dict.fromkeys(layer for part in parts for layer in part.modules())
    return tuple(layer for layer in layers if isinstance(layer, _BatchNorm) and layer.track_running_stats)


@contextmanager
def still_statistics(norms: tuple[nn.Module, ...]) -> Iterator[None]:
    """Normalise by the batch, as training does, without touching the running statistics."""
    before: list[tuple[Mapping[str, Any], Any]] = []
    for norm in norms:  # through __dict__: nn.Module's own assignment costs ten times as much
        before.append((norm.__dict__, norm.__dict__["track_running_stats"]))
        norm.__dict__["track_running_stats"] = False
    try:
        yield
    finally:
        for state, value in before:
            state["track_running_stats"] = value  # type: ignore[index]


@contextmanager
def running_statistics(*parts: nn.Module) -> Iterator[None]:
    """Normalise by the running statistics, for passes whose batch is not one of data."""
    norms = [norm for norm in batch_norms(*parts) if norm.training]
    for norm in norms:
        norm.training = False
    try:
        yield
    finally:
        for norm in norms:
            norm.training = True


@contextmanager
def fresh_statistics(norms: Sequence[nn.Module]) -> Iterator[None]:
    """Running statistics from nothing: the plain mean over the passes in the context.

    A layer that no pass reaches keeps what it had.
    """
    before = [(norm, norm.momentum, [buffer.clone() for buffer in norm.buffers()]) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()  # type: ignore[operator]  # a BatchNorm
        norm.momentum = None  # type: ignore[assignment]  # each pass counts alike
    try:
        yield
    finally:
        for norm, momentum, buffers in before:
            norm.momentum = momentum
            if norm.num_batches_tracked == 0:
                for buffer, kept in zip(norm.buffers(), buffers, strict=True):
                    buffer.copy_(kept)
