"""Two sets of features, checked once at the door so that no measure answers with a silent inf or nan."""

from __future__ import annotations

import math
import warnings
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
    found = tensor(values, name)
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


def tensor(values: Features, name: str) -> Tensor:
    """The values without a copy where that is possible, and without their graph."""
    if isinstance(values, np.ndarray):
        values = np.ascontiguousarray(values)  # torch knows no negative strides
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # nor do we write
            found = torch.as_tensor(values).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"{name} cannot be read as numbers: {error}",
            where=name,
            fix="give a tensor or a numpy array of real numbers, shape [N, d]",
        ) from error
    return found.cpu() if found.device.type == "mps" else found  # Apple's devices have no float64


def pair(
    a: Features, b: Features, *, rows: int = 2, names: tuple[str, str] = ("a", "b")
) -> tuple[Tensor, Tensor]:
    """Two sets of equal width: a generated, b real.

    names:  what to call them in an error

    Raises:  ConfigError as `features`, and for sets of different width
    """
    fake, real = features(a, names[0], rows=rows), features(b, names[1], rows=rows)
    if fake.shape[1] != real.shape[1]:
        raise ConfigError(
            f"{names[0]} has {fake.shape[1]} columns and {names[1]} has {real.shape[1]}",
            where=", ".join(names),
            fix="compare features of one extractor",
        )
    return fake, real


def finite(value: float, measure: str) -> float:
    """A measure's value, unless it left what float64 can hold.

    Raises:  ConfigError for infinity and NaN, which the door cannot foresee: squares of 1e200, say
    """
    if math.isfinite(value):
        return value
    raise ConfigError(
        f"{measure} of these sets is {value}: their values are too large to be squared in float64",
        where="a, b",
        fix="look at the largest of them; features are commonly within 1e6",
    )


def at_least(value: int, least: int, name: str) -> int:
    """A count among a measure's own settings.

    Raises:  ConfigError for anything but a whole number from `least` on
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigError(f"{name} is {value!r}", where=name, fix=f"give a whole number, {least} or more")
    return int(value)


def random_state(seed: int) -> np.random.RandomState:
    """A stream of its own for one measure; numpy keeps this one's numbers the same in all its versions.

    Raises:  ConfigError for a seed outside [0, 2**32)
    """
    if at_least(seed, 0, "seed") >= 2**32:
        raise ConfigError(f"seed is {seed}", where="seed", fix="give a whole number below 2**32")
    return np.random.RandomState(seed)
