"""Exponential moving average of the weights, for sampling and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from aezoo.errors import ConfigError, did_you_mean


class Averages:
    """A running average of weights of a model, once a step: a <- d a + (1 - d) w.

    d is min(decay, (1 + t) / (10 + t)) after t steps, so that the average forgets the first weights as fast
    as they become worthless.

    modules:  whose weights: names such as `decoder` or `regularizer.interp`; none: of all

    Raises:  ConfigError for a name without weights
    Source:  the warm-up is that of TensorFlow's ExponentialMovingAverage with `num_updates`
    """

    def __init__(self, model: nn.Module, decay: float, modules: Sequence[str] | None = None) -> None:
        weights = dict(model.named_parameters())
        self._names = list(weights) if modules is None else _of(modules, weights)
        self._weights = [weights[name].detach() for name in self._names]
        self._averages = [weight.clone() for weight in self._weights]
        self._decay = decay

    @torch.no_grad()
    def update(self, completed: int) -> None:
        """Take in the weights of a step, before which so many were completed."""
        decay = min(self._decay, (1 + completed) / (10 + completed))
        torch._foreach_lerp_(self._averages, self._weights, 1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model with averaged weights, for as long as the context lasts."""
        kept = [weight.clone() for weight in self._weights]
        self.keep()
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


def _of(modules: Sequence[str], weights: Mapping[str, nn.Parameter]) -> list[str]:
    """Names of the weights of some modules, in the model's order."""
    for module in modules:
        if not any(_is_in(name, module) for name in weights):
            parts = list(dict.fromkeys(_part(name) for name in weights))
            raise ConfigError(
                f"nothing called '{module}' has weights to average",
                where="ema.modules",
                fix=f"{did_you_mean(module, parts)}those that have are {', '.join(parts)}",
            )
    return [name for name in weights if any(_is_in(name, module) for module in modules)]


def _is_in(weight: str, module: str) -> bool:
    return weight == module or weight.startswith(f"{module}.")


def _part(weight: str) -> str:
    words = weight.split(".")
    return ".".join(words[: 2 if words[0] == "regularizer" else 1])
