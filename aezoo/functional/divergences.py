"""Normal densities, and divergences that have a closed form: in float32 whatever the network computed in."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aezoo.functional.precision import at_least_float32

LOG_2PI = math.log(2.0 * math.pi)


def kl_to_standard_normal(mean: Tensor, log_var: Tensor) -> Tensor:
    """Divergence of a diagonal normal from N(0, I), per example.

    Shapes:  mean, log_var [B, m] -> [B]
    Range:   nats, >= 0; overflows for log_var above about 88 in float32
    Raises:  ValueError when the shapes differ, which would broadcast in silence
    Source:  Kingma & Welling 2014 (arXiv:1312.6114), appendix B

    >>> kl_to_standard_normal(torch.tensor([[2.0]]), torch.zeros(1, 1))
    tensor([2.])
    """
    check_same_shape(mean=mean, log_var=log_var)
    mean, log_var = at_least_float32(mean), at_least_float32(log_var)
    # expm1(v) - v keeps what exp(v) - 1 - v rounds away when v is near 0
    return 0.5 * (mean.square() + torch.expm1(log_var) - log_var).sum(dim=1)


def diagonal_normal_log_prob(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Log-density of N(mean, diag(exp(log_var))) at z.

    Shapes:  z, mean, log_var [B, m] -> [B]
    Range:   nats; may be positive, as densities may
    Raises:  ValueError when the shapes differ, which would broadcast in silence

    >>> diagonal_normal_log_prob(torch.ones(1, 2), torch.ones(1, 2), torch.zeros(1, 2))
    tensor([-1.8379])
    """
    check_same_shape(z=z, mean=mean, log_var=log_var)
    z, mean, log_var = map(at_least_float32, (z, mean, log_var))
    return -0.5 * ((z - mean).square() * torch.exp(-log_var) + log_var + LOG_2PI).sum(dim=1)


def standard_normal_log_prob(z: Tensor) -> Tensor:
    """Log-density of N(0, I) at z.

    Shapes:  z [B, m] -> [B]
    Range:   nats, <= -m/2 log(2 pi)

    >>> standard_normal_log_prob(torch.tensor([[3.0]]))
    tensor([-5.4189])
    """
    return -0.5 * (at_least_float32(z).square() + LOG_2PI).sum(dim=1)


def check_same_shape(**tensors: Tensor) -> None:
    """Raises ValueError, with the shapes by name, where they differ."""
    if len({tensor.shape for tensor in tensors.values()}) > 1:
        said = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in tensors.items())
        raise ValueError(f"shapes must agree: {said}")
