"""Exponential moving average of the weights, for sampling and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Averages:
    """A running average of every weight of a model: a <- decay a + (1 - decay) w, once a step."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._names = [name for name, _ in model.named_parameters()]
        self._weights = [weight.detach() for _, weight in model.named_parameters()]
        self._averages = [weight.clone() for weight in self._weights]
        self._decay = decay

    @torch.no_grad()
    def update(self) -> None:
        torch._foreach_lerp_(self._averages, self._weights, 1.0 - self._decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model with averaged weights, for as long as the context lasts."""
        kept = [weight.clone() for weight in self._weights]
        torch._foreach_copy_(self._weights, self._averages)
        try:
            yield
        finally:
            torch._foreach_copy_(self._weights, kept)

    def keep(self) -> None:
        """Make the averaged weights the model's own, at the end of training."""
        torch._foreach_copy_(self._weights, self._averages)

    def state(self) -> dict[str, Tensor]:
        return {f"average/{name}": value for name, value in zip(self._names, self._averages, strict=True)}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        for name, average in zip(self._names, self._averages, strict=True):
            average.copy_(tensors[f"average/{name}"])
