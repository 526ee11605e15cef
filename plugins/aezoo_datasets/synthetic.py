"""Vectors of 128 numbers on a curved manifold of 2 or 5 dimensions.

Six Gaussian clusters pushed through a random network. Source: "To Regularize or Not To
Regularize?" (the earlier version of Mondal et al., UAI 2021), technical appendix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import Tensor

from aezoo.api import Data, Split

Reading = Annotated[
    Literal["std", "variance"],
    Field(
        description="what 0.05, 0.2, 0.1 are for the map's weights; under 'variance' nearly "
        "every coordinate is -1 or 1 and little of the manifold is left"
    ),
]
MapSeed = Annotated[int, Field(ge=0, description="seed of the random map, one for both splits")]
RowSeed = Annotated[int, Field(ge=0, description="seed of the rows")]

# The six components: mean in 5-D, and the variance of every coordinate (printed in the paper as
# covariance 0.5 I, hence no std). The 2-D set has the first two coordinates of these means.
COMPONENTS: tuple[tuple[tuple[float, ...], float], ...] = (
    ((0.0, 0.0, 0.0, 0.0, 0.0), 1.0),
    ((5.0, 5.0, 5.0, 5.0, 5.0), 1.0),
    ((-5.0, 5.0, 3.0, 4.5, -6.0), 0.5),
    ((5.0, -1.5, -6.5, 3.0, 1.0), 0.95),
    ((-2.0, -7.0, 9.0, -1.5, -4.5), 0.5),
    ((-4.0, -3.0, -5.5, 2.0, 4.0), 0.75),
)
WIDTH = 128  # of each of the three layers, so also of x
SPREADS = (0.05, 0.2, 0.1)  # of weights and biases in layers 1, 2, 3; std or variance, see Reading
TRAIN_EACH, TEST = 2500, 10_000  # rows: 15,000 train, equally many of each component


@dataclass(frozen=True)
class Draw:
    """Rows with the truth behind them.

    latents:  [N, d], d = 2 or 5
    vectors:  their images x [N, 128], float32 in [-1, 1]
    labels:   component of each row, int64 [N]
    """

    latents: Tensor
    vectors: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Map:
    """f: R^d -> (-1, 1)^128, three layers with the activations tanh, exp, tanh.

    layers:  weight [out, in] and bias [out] of each, float64
    """

    layers: tuple[tuple[Tensor, Tensor], ...]

    def __call__(self, latents: Tensor) -> Tensor:
        """x [N, 128] of latents [N, d], in float64."""
        (w1, b1), (w2, b2), (w3, b3) = self.layers
        h = torch.tanh(latents.double() @ w1.T + b1)
        h = torch.exp(h @ w2.T + b2)
        return torch.tanh(h @ w3.T + b3)


def random_map(dim: int, generator: torch.Generator, reading: Reading = "std") -> Map:
    """A map with weights and biases from N(0, 0.05), N(0, 0.2), N(0, 0.1).

    The paper does not say whether these are variances. As standard deviations, the default, 14 %
    of the 2-D set's numbers exceed 0.99 in size; as variances 99 % do.
    """
    stds = [s if reading == "std" else s**0.5 for s in SPREADS]

    def normal(std: float, *size: int) -> Tensor:
        return std * torch.randn(size, generator=generator, dtype=torch.float64)

    inputs = (dim, WIDTH, WIDTH)
    return Map(tuple((normal(s, WIDTH, n), normal(s, WIDTH)) for n, s in zip(inputs, stds, strict=True)))


def draw(labels: Tensor, f: Map, generator: torch.Generator) -> Draw:
    """One row for each label: its component's Gaussian, then the map.

    Shapes:  labels: int64 [N], 0 to 5
    """
    dim = f.layers[0][0].shape[1]
    means = torch.tensor([mean[:dim] for mean, _ in COMPONENTS], dtype=torch.float64)
    stds = torch.tensor([var for _, var in COMPONENTS], dtype=torch.float64).sqrt()
    eps = torch.randn(len(labels), dim, generator=generator, dtype=torch.float64)
    latents = means[labels] + stds[labels, None] * eps
    return Draw(latents, f(latents).float(), labels)


def draw_splits(dim: int, reading: Reading = "std", map_seed: int = 0, seed: int = 0) -> tuple[Draw, Draw]:
    """The train and test rows of a set, with their latents: exactly those `load` gives."""
    f = random_map(dim, torch.Generator().manual_seed(map_seed), reading)
    rows = torch.Generator().manual_seed(seed)
    even = torch.arange(len(COMPONENTS)).repeat_interleave(TRAIN_EACH)
    even = even[torch.randperm(len(even), generator=rows)]
    # 10,000 is no multiple of 6 and the paper gives no weights: drawn at random, equally likely
    mixed = torch.randint(len(COMPONENTS), (TEST,), generator=rows)
    return draw(even, f, rows), draw(mixed, f, rows)


@final
class Synthetic2D:
    """The set of the paper's Fig. 3, with two latent dimensions."""

    def __init__(self, reading: Reading = "std", map_seed: MapSeed = 0, seed: RowSeed = 0) -> None:
        self.draws = (2, reading, map_seed, seed)

    def load(self) -> Data:
        """15,000 train and 10,000 test vectors, labelled by component."""
        return _data("synthetic-2d", *draw_splits(*self.draws))


@final
class Synthetic5D:
    """The set of the paper's Fig. 2, with five latent dimensions."""

    def __init__(self, reading: Reading = "std", map_seed: MapSeed = 0, seed: RowSeed = 0) -> None:
        self.draws = (5, reading, map_seed, seed)

    def load(self) -> Data:
        """15,000 train and 10,000 test vectors, labelled by component."""
        return _data("synthetic-5d", *draw_splits(*self.draws))


def _data(name: str, train: Draw, test: Draw) -> Data:
    return Data(
        name=name,
        shape=(WIDTH,),
        range=(-1.0, 1.0),
        train=Split(train.vectors, train.labels),
        test=Split(test.vectors, test.labels),
        classes=tuple(str(k + 1) for k in range(len(COMPONENTS))),  # numbered as in the paper
    )
