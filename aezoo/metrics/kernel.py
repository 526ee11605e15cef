"""Kernel distance: `kid` on Inception features, `kd` on any other. Unbiased, so right for small sets."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, at_least, finite, pair, random_state


def kernel_distance(
    a: Features,
    b: Features,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    degree: int = 3,
    gamma: float | None = None,
    coef: float = 1.0,
    seed: int = 0,
) -> tuple[float, float]:
    """Squared MMD with the kernel (gamma x.y + coef)^degree: mean and spread over random subsets.

    Each subset is `subset_size` rows of either set, drawn without replacement as torch-fidelity draws them:
    its `rng_seed=2020` is `seed=2020` here. The spread (divided by `subsets`) says how much one subset's
    value varies; it is not the error of the mean. A smaller set than `subset_size` is refused, never cut
    down in silence, since values at different subset sizes have different spreads: name a smaller one.

    Shapes:  a [N, d], b [M, d], N and M at least subset_size; gamma None is 1/d
    Range:   the mean is around 0 for sets of one law, and as often below: unbiased means so
    Raises:  ConfigError for sets smaller than subset_size or of different width, NaN, infinity, overflow
    Source:  Binkowski et al. 2018 (arXiv:1801.01401), section 4

    >>> kernel_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]]), subset_size=2, degree=1)
    (-1.0, 0.0)
    """
    fake, real = pair(a, b)
    check_subsets(fake, real, subsets, subset_size)
    gamma = 1 / fake.shape[1] if gamma is None else gamma
    _check_kernel(degree, gamma, coef)
    draw = random_state(seed)

    def subset(rows: Tensor) -> Tensor:
        chosen = draw.choice(len(rows), subset_size, replace=False)
        return rows[torch.from_numpy(chosen).to(rows.device)].double()

    # a before b in every subset: torch-fidelity's order
    found = [_mmd2(subset(fake), subset(real), degree, gamma, coef) for _ in range(subsets)]
    return finite(float(np.mean(found)), "the kernel distance"), float(np.std(found))


def _mmd2(x: Tensor, y: Tensor, degree: int, gamma: float, coef: float) -> float:
    """Squared MMD between two samples of n rows, unbiased, hence sometimes below zero."""
    n = len(x)

    def kernel(p: Tensor, q: Tensor) -> Tensor:
        return (p @ q.T).mul_(gamma).add_(coef).pow_(degree)

    k_xx, k_yy = kernel(x, x), kernel(y, y)
    within = k_xx.sum() - k_xx.trace() + k_yy.sum() - k_yy.trace()
    # Gretton et al. 2012, lemma 6. The mean over pairs keeps the diagonal, as x_i and y_i are independent
    # too; on a set and itself that is why the result is below zero.
    return float(within / (n * (n - 1)) - 2 * kernel(x, y).mean())


def check_subsets(a: Tensor, b: Tensor, subsets: int, subset_size: int) -> None:
    """Raises:  ConfigError where subsets of that size cannot be drawn from both sets"""
    at_least(subsets, 1, "subsets")
    at_least(subset_size, 2, "subset_size")
    smaller, name = min((len(a), "a"), (len(b), "b"))
    if smaller < subset_size:
        raise ConfigError(
            f"{name} has {smaller} rows, and a subset takes {subset_size} without replacement",
            where="subset_size",
            fix=f"set subset_size to {smaller} or less, or give more rows",
        )


def _check_kernel(degree: int, gamma: float, coef: float) -> None:
    at_least(degree, 1, "degree")
    if not (gamma > 0 and math.isfinite(gamma) and math.isfinite(coef)):
        raise ConfigError(
            f"gamma is {gamma} and coef is {coef}",
            where="gamma, coef",
            fix="give a gamma above 0, or None for 1/d, and a finite coef",
        )
