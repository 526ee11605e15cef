"""Fully connected networks: the critics and generators of every table, and vector backbones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from aezoo.errors import ConfigError


def mlp(
    sizes: Sequence[int],
    activation: Callable[[], nn.Module] = nn.ReLU,
    last: Callable[[], nn.Module] | None = None,
) -> nn.Sequential:
    """Linear layers with an activation in between; the output is linear unless `last` is given.

    sizes:  widths from input to output, so n + 1 numbers make n layers
    last:   an activation after the output, for a network that is a body rather than a head

    Shapes:  [..., sizes[0]] -> [..., sizes[-1]]
    Raises:  ConfigError for fewer than two sizes, or a size below 1

    >>> mlp([2, 64, 1])
    Sequential(
      (0): Linear(in_features=2, out_features=64, bias=True)
      (1): ReLU()
      (2): Linear(in_features=64, out_features=1, bias=True)
    )
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ConfigError(
            f"an MLP cannot have the widths {list(sizes)}",
            fix="give at least an input and an output width, each 1 or more",
        )
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), activation()]
    layers.pop()
    if last is not None:
        layers.append(last())
    return nn.Sequential(*layers)
