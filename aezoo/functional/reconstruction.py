"""What a reconstruction costs, per example: sums over all dimensions of x.

In float32 whatever the network computed in.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aezoo.functional.divergences import LOG_2PI, check_same_shape
from aezoo.functional.precision import at_least_float32

PROBABILITY_MARGIN = 1e-7  # keeps both logarithms finite; 1 - 1e-7 is still below 1 in float32


def squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """||x - x_hat||_2^2.

    Shapes:  x, x_hat [B, ...] -> [B]
    Range:   >= 0
    Raises:  ValueError when the shapes differ, which would broadcast in silence

    >>> squared_error(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2))
    tensor([5.])
    """
    check_same_shape(x=x, x_hat=x_hat)
    return (at_least_float32(x) - at_least_float32(x_hat)).square().flatten(start_dim=1).sum(dim=1)


def absolute_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """||x - x_hat||_1.

    Shapes:  x, x_hat [B, ...] -> [B]
    Range:   >= 0
    Raises:  ValueError when the shapes differ, which would broadcast in silence

    >>> absolute_error(torch.tensor([[1.0, -2.0]]), torch.zeros(1, 2))
    tensor([3.])
    """
    check_same_shape(x=x, x_hat=x_hat)
    return (at_least_float32(x) - at_least_float32(x_hat)).abs().flatten(start_dim=1).sum(dim=1)


def binary_cross_entropy(x: Tensor, x_hat: Tensor) -> Tensor:
    """-sum x log x_hat + (1 - x) log(1 - x_hat).

    Its minimum over x_hat is the entropy of x, which is above 0 for grey pixels.

    Shapes:  x, x_hat [B, ...], both in [0, 1] -> [B]
    Range:   nats, >= 0 and at most 16.1 a pixel: x_hat is held 1e-7 away from 0 and 1
    Raises:  ValueError when the shapes differ, which would broadcast in silence
    Source:  Kingma & Welling 2014 (arXiv:1312.6114), appendix C.1

    >>> binary_cross_entropy(torch.ones(1, 2), torch.full((1, 2), 0.5))
    tensor([1.3863])
    """
    check_same_shape(x=x, x_hat=x_hat)
    p = x_hat.float().clamp(PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN)
    return -(x * p.log() + (1.0 - x) * torch.log1p(-p)).flatten(start_dim=1).sum(dim=1)


def gaussian_nll(x: Tensor, x_hat: Tensor, log_gamma: Tensor) -> Tensor:
    """-log N(x; x_hat, gamma^2 I), with one scale for all dimensions.

    Lowest when gamma is the root mean squared error; a dimension then costs (1 + log(2 pi gamma^2)) / 2.

    Shapes:  x, x_hat [B, ...], log_gamma [] -> [B]
    Range:   nats; negative for small gamma, as densities may be above 1
    Raises:  ValueError when the shapes of x and x_hat differ, or gamma is more than one number
    Source:  Dai & Wipf 2019 (arXiv:1903.05789); gamma is a standard deviation, as in the
             authors' code

    >>> gaussian_nll(torch.ones(1, 2), torch.zeros(1, 2), torch.tensor(0.0))
    tensor([2.8379])
    """
    if log_gamma.dim() != 0:
        raise ValueError(f"gamma is one number: log_gamma {tuple(log_gamma.shape)}")
    dimensions = x[0].numel()
    scaled = squared_error(x, x_hat) * torch.exp(-2.0 * log_gamma)
    return 0.5 * scaled + dimensions * (log_gamma + 0.5 * LOG_2PI)
