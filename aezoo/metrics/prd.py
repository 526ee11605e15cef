"""Precision and recall of distributions: how much of a is in b, how much of b in a, as a curve."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, at_least, finite, pair, random_state

EPSILON = 1e-10  # keeps the angles off 0 and pi/2, and F off 0/0, as in the reference code
BETA = 8
COMPONENTS = 64  # of the fast option


@dataclass(frozen=True, eq=False)
class PRD:
    """The curve, and its two summaries.

    precision, recall:  float64 [angles], the mean over clusterings
    f8:    the largest F_8 on the curve, which weighs recall: papers print it as recall
    f1_8:  the largest F_1/8, which weighs precision: papers print it as precision
    """

    precision: Tensor
    recall: Tensor
    f8: float
    f1_8: float


def prd(
    a: Features,
    b: Features,
    clusters: int = 20,
    runs: int = 10,
    angles: int = 1001,
    seed: int = 0,
    fast: bool = False,
) -> PRD:
    """Both sets are clustered together, and their shares of the clusters compared; a generated, b real.

    The clusterings differ from run to run, so print two decimals: the spread over seeds is 0.0003 to 0.02.
    The same seed gives the same numbers. `fast` clusters what a projection on the 64 leading principal
    directions leaves; it changes the second decimal at most, but name it beside the number.

    Shapes:  a, b [N, d] of the same N, and 2 N at least `clusters`
    Range:   [0, 1]; sets of one law come near 1 and not to it. Constant sets are fine: 1 where both are
             the same, 0 where they differ
    Raises:  ConfigError for sets of different size or width, too few rows, NaN, infinity
    Source:  Sajjadi et al. 2018 (arXiv:1806.00035), and the authors' code for all constants

    >>> prd(torch.zeros(9, 1), torch.ones(9, 1), clusters=2).f8
    0.0
    """
    fake, real = pair(a, b)
    at_least(runs, 1, "runs")
    _check_sizes(fake, real, at_least(clusters, 1, "clusters"))
    draw = random_state(seed)
    union = torch.empty(2 * len(fake), fake.shape[1], dtype=torch.float64)  # scikit-learn works on the CPU
    union[: len(fake)].copy_(fake)
    union[len(fake) :].copy_(real)
    finite(float(torch.linalg.vector_norm(union)), "the distance between clusters")
    if fast and union.shape[1] > COMPONENTS:
        union = _project(union, COMPONENTS, draw)
    curves = []
    for labels in _clusterings(union.numpy(), clusters, runs, draw):
        p, q = (torch.from_numpy(np.bincount(half, minlength=clusters)) for half in np.split(labels, 2))
        curves.append(torch.stack(curve(p, q, angles)))
    # the mean of curves at equal angles, not of F
    precision, recall = torch.stack(curves).mean(0)
    return PRD(precision, recall, largest_f(precision, recall, BETA), largest_f(precision, recall, 1 / BETA))


def curve(histogram_a: Tensor, histogram_b: Tensor, angles: int = 1001) -> tuple[Tensor, Tensor]:
    """Precision and recall of one discrete distribution against another, exactly, at equal angles.

    precision(l) = sum_i min(l b_i, a_i), recall(l) = precision(l) / l, l = tan(angle).

    Shapes:  histogram_a, histogram_b [clusters], counts or shares -> precision, recall [angles]
    Range:   [0, 1]; the first angle is almost 0 (all recall), the last almost pi/2 (all precision)
    Raises:  ConfigError for histograms of different length, negative, empty or not finite

    >>> precision, recall = curve(torch.tensor([1, 0]), torch.tensor([1, 1]), angles=3)
    >>> recall[0]  # a covers half of b
    tensor(0.5000, dtype=torch.float64)
    """
    at_least(angles, 3, "angles")
    p, q = _shares(histogram_a, "histogram_a"), _shares(histogram_b, "histogram_b")
    if len(p) != len(q):
        raise ConfigError(
            f"histogram_a has {len(p)} clusters and histogram_b has {len(q)}",
            where="histogram_a, histogram_b",
            fix="count both over the same clusters",
        )
    slope = torch.linspace(EPSILON, math.pi / 2 - EPSILON, angles, dtype=torch.float64).tan()
    precision = torch.minimum(slope[:, None] * q, p).sum(1)
    # only rounding goes above 1
    return precision.clamp(0, 1), (precision / slope).clamp(0, 1)


def largest_f(precision: Tensor, recall: Tensor, beta: float) -> float:
    """The largest F_beta on the curve: recall counts beta times as much as precision.

    >>> largest_f(torch.tensor([0.2, 1.0]), torch.tensor([0.5, 0.5]), 8)
    0.5038...
    """
    f = (1 + beta**2) * precision * recall / (beta**2 * precision + recall + EPSILON)
    return float(f.max())


def _project(union: Tensor, width: int, draw: np.random.RandomState) -> Tensor:
    """The rows on an orthonormal basis of their leading principal directions [2 N, width].

    Two rounds of subspace iteration: torch.svd_lowrank does the same, but draws from the global generator.
    """
    union -= union.mean(0)
    basis = torch.from_numpy(draw.standard_normal((union.shape[1], width)))
    for _ in range(2):
        basis = torch.linalg.qr(union.T @ (union @ basis)).Q
    return union @ basis


def _clusterings(
    union: np.ndarray, clusters: int, runs: int, draw: np.random.RandomState
) -> Iterator[np.ndarray]:
    """The rows' labels [2 N], once per run.

    On one thread: with two on a busy machine of two cores it took 4 (6000 x 2048) to 50 times (1000 x 16) as
    long, because minibatches are too small to share. It also makes the numbers independent of the machine.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    means = MiniBatchKMeans(n_clusters=clusters, n_init=10, random_state=draw)
    for _ in range(runs):
        with threadpool_limits(1), warnings.catch_warnings():
            # fewer distinct rows than clusters: some stay empty, as they should
            warnings.simplefilter("ignore", ConvergenceWarning)
            labels = means.fit(union).labels_
        yield labels


def _shares(histogram: Tensor, name: str) -> Tensor:
    counts = torch.as_tensor(histogram).double()
    if counts.dim() != 1 or not torch.isfinite(counts).all() or (counts < 0).any() or counts.sum() <= 0:
        raise ConfigError(
            f"{name} is {counts.tolist()}",
            where=name,
            fix="give one count or share per cluster, none negative, not all zero",
        )
    return counts / counts.sum()


def _check_sizes(a: Tensor, b: Tensor, clusters: int) -> None:
    if len(a) != len(b):
        raise ConfigError(
            f"a has {len(a)} rows and b has {len(b)}",
            where="a, b",
            fix=f"give {min(len(a), len(b))} rows of each: a larger set would draw the clusters to itself",
        )
    if 2 * len(a) < clusters:
        raise ConfigError(
            f"a and b together have {2 * len(a)} rows, fewer than the {clusters} clusters",
            where="clusters",
            fix="give more rows, or set clusters lower",
        )
