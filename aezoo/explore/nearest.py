"""Generated images beside the training images that they are nearest to: does a model copy?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from aezoo.config.run import RunConfig
from aezoo.errors import ConfigError, MissingError
from aezoo.evaluation.choosing import named_spaces
from aezoo.evaluation.sets import as_bytes
from aezoo.explore.codes import read
from aezoo.metrics import nearest_neighbours
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data
from aezoo.randomness import generator_for

BLOCK = 1024  # training rows compared at a time

Features = Callable[[Tensor], Tensor]
"""x [B, *shape] -> [B, d]: the space in which images are near each other."""


@dataclass(frozen=True)
class Neighbours:
    """Generated images and their nearest training images.

    x_hat:     generated [N, *shape]
    distance:  L2 to the nearest training images, ascending, float64 [N, k]
    index:     their numbers in the training split, int64 [N, k]
    nearest:   the images themselves [N, k, *shape]
    """

    x_hat: Tensor
    distance: Tensor
    index: Tensor
    nearest: Tensor


def pixels(x: Tensor) -> Tensor:
    """Images as vectors of their pixels [B, d]."""
    return x.flatten(1)


def space(name: str, config: RunConfig, data: Data) -> Features:
    """The features of an extractor by name; without a name x as it is.

    Raises:  ConfigError for an unknown one, or one that does not take such rows
             MissingError without its weights
    """
    if not name:
        return pixels
    try:
        found = named_spaces([name], config, data, torch.device("cpu"))[name]
    except (ConfigError, MissingError) as err:
        raise type(err)(err.what, where="--space", fix=err.fix) from err
    return lambda x: found.features(as_bytes(x, data.range) if data.is_image else x)


def neighbours(
    model: Autoencoder,
    data: Data,
    *,
    n: int = 8,
    k: int = 4,
    seed: int = 0,
    features: Features = pixels,
) -> Neighbours:
    """n new images, and of each the k nearest training images.

    The images are those of `aezoo sample -n N --seed S`; the training split is read once, in pieces.

    Raises:  ConfigError for more neighbours than there are training images
    """
    if n < 1 or not 1 <= k <= len(data.train):
        raise ConfigError(
            f"{k} neighbours of {n} images cannot be found among {len(data.train)} training images",
            where="-n, -k",
            fix=f"ask for 1 to {len(data.train)} neighbours of one image or more",
        )
    x_hat = model.sample(n, generator_for(model.device, seed, "sample")).cpu()
    distance, index = nearest_rows(features(x_hat), data, k, features)
    nearest = read(data, data.train, index.flatten()).unflatten(0, (n, k))
    return Neighbours(x_hat, distance, index, nearest)


def nearest_rows(wanted: Tensor, data: Data, k: int, features: Features) -> tuple[Tensor, Tensor]:
    """Of each row of features [N, d], the k nearest training rows: float64 [N, k], int64 [N, k]."""
    distance, index = (
        wanted.new_empty(len(wanted), 0).double(),
        torch.empty(len(wanted), 0, dtype=torch.int64),
    )
    first = 0
    for rows in data.train.values.split(BLOCK):
        near, where = nearest_neighbours(wanted, features(data.x(rows)), min(k, len(rows)))
        distance = torch.cat([distance, near.double()], dim=1)
        index = torch.cat([index, where + first], dim=1)  # later rows come later: ties stay in order
        distance, order = distance.sort(dim=1, stable=True)
        distance, index = distance[:, :k], index.gather(1, order)[:, :k]
        first += len(rows)
    return distance, index
