"""Precision, recall, density and coverage: sets as unions of balls that reach to the k-th neighbour."""

from __future__ import annotations

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, pair
from aezoo.metrics.neighbours import check_neighbours, kth_distances, nearest_distances, within


def knn_precision_recall(a: Features, b: Features, k: int) -> tuple[float, float]:
    """Share of generated rows inside the real set's balls, and of real rows inside the generated set's.

    A ball reaches from a row to its k-th nearest other row of the same set, and is open: two equal sets
    without noise between them have a precision and recall below 1 where a set holds copies.

    Shapes:  a [N, d] generated, b [M, d] real
    Range:   each in [0, 1]
    Raises:  ConfigError as `pair`, for fewer than k + 1 rows in a set, and for a set of copies alone
    Source:  Kynkaanniemi et al. 2019 (arXiv:1904.06991); `<` as in prdc, where the authors' code has `<=`

    >>> knn_precision_recall(torch.tensor([[0.4], [9.0]]), torch.tensor([[0.0], [1.0], [3.0]]), 1)
    (0.5, 1.0)
    """
    return knn_precision(a, b, k), knn_recall(a, b, k)


def knn_precision(a: Features, b: Features, k: int) -> float:
    """The first of `knn_precision_recall`, for which a may be copies of one row.

    Raises:  ConfigError as there, but for anything about the neighbours of a
    """
    fake, real = pair(a, b)
    return float((_inside(fake, real, _radii(real, k, "b")) > 0).double().mean())


def knn_recall(a: Features, b: Features, k: int) -> float:
    """The second of `knn_precision_recall`, for which b may be copies of one row.

    Raises:  ConfigError as there, but for anything about the neighbours of b
    """
    fake, real = pair(a, b)
    return float((_inside(real, fake, _radii(fake, k, "a")) > 0).double().mean())


def density_coverage(a: Features, b: Features, k: int) -> tuple[float, float]:
    """How many real balls hold a generated row, and the share of real balls that hold one.

    Density counts the balls around each generated row and divides by k; an outlier among the real rows,
    which has a large and empty ball, then weighs little. Balls are those of `knn_precision_recall`.

    Shapes:  a [N, d] generated, b [M, d] real
    Range:   density >= 0, may exceed 1, about 1 for equal distributions; coverage in [0, 1]
    Raises:  ConfigError as `pair`, for fewer than k + 1 rows in b, and for copies of one row alone in b
    Source:  Naeem et al. 2020 (arXiv:2002.09797), equations 6 and 7

    >>> density_coverage(torch.tensor([[0.4], [9.0]]), torch.tensor([[0.0], [1.0], [3.0]]), 1)
    (1.0, 0.6666666666666666)
    """
    fake, real = pair(a, b)
    radii = _radii(real, k, "b")
    density = _inside(fake, real, radii).double().mean() / k
    reached = nearest_distances(real, fake)[0] < radii * _STRICTLY
    return float(density), float(reached.double().mean())


_STRICTLY = 1.0 - 5e-13  # of a radius, as `within` is strict on squares: rounding is not a distance


def _inside(a: Tensor, b: Tensor, radii: Tensor) -> Tensor:
    """In how many of the balls around b each row of a lies, int64 [N]."""
    return torch.cat([found.sum(dim=1) for found in within(a, b, radii)])


def _radii(rows: Tensor, k: int, name: str) -> Tensor:
    check_neighbours(k, len(rows) - 1, name)
    radii = kth_distances(rows, k)
    if not radii.any():
        raise ConfigError(
            f"each row of {name} is there {k + 1} times or more, so every ball has the radius 0",
            where=name,
            fix="take out copies or ask for more neighbours; a constant generator or extractor does this",
        )
    return radii
