"""Two sets of features, checked once at the door so that no measure answers with a silent inf or nan."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from aezoo.errors import ConfigError

Features: TypeAlias = Tensor | np.ndarray
"""A row per image [N, d]."""


def features(values: Features, name: str, *, rows: int = 2) -> Tensor:
    """A set as a tensor [N, d] of floats, where it is and as exact as it came.

    values:  [N, d]; [N, *shape] is flattened
    name:    what to call the set in an error
    rows:    fewest rows that the measure can do with

    Raises:  ConfigError for too few rows, values that are no numbers, NaN or infinity
    """
    found = torch.as_tensor(values)
    if found.dim() < 2 or found.dtype.is_complex or found.numel() == 0 < len(found):
        raise ConfigError(
            f"{name} has the shape {tuple(found.shape)} and the type {found.dtype}",
            where=name,
            fix="give real numbers of shape [N, d], one row per image",
        )
    if len(found) < rows:
        raise ConfigError(
            f"{name} has {len(found)} rows, and this measure needs {rows}", where=name, fix="give more rows"
        )
    found = found.flatten(1)
    if not found.dtype.is_floating_point:
        return found.double()
    for first, chunk in zip(range(0, len(found), 4096), found.split(4096), strict=True):
        wrong = ~torch.isfinite(chunk)
        if wrong.any():
            row, column = (int(place) for place in wrong.nonzero()[0])
            raise ConfigError(
                f"row {first + row} of {name} holds {float(chunk[row, column])} in column {column}",
                where=name,
                fix="mend what made these features: a measure of them would be no number either",
            )
    return found


def pair(a: Features, b: Features, *, rows: int = 2) -> tuple[Tensor, Tensor]:
    """Two sets of equal width: a generated, b real.

    Raises:  ConfigError as `features`, and for sets of different width
    """
    fake, real = features(a, "a", rows=rows), features(b, "b", rows=rows)
    if fake.shape[1] != real.shape[1]:
        raise ConfigError(
            f"a has {fake.shape[1]} columns and b has {real.shape[1]}",
            where="a, b",
            fix="compare features of one extractor",
        )
    return fake, real
