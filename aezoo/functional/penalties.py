"""Penalties on a network's gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from aezoo.functional.interpolation import interpolate


def gradient_penalty(critic: Callable[[Tensor], Tensor], a: Tensor, b: Tensor, alpha: Tensor) -> Tensor:
    """(||grad C(x)||_2 - 1)^2 at one point x between each pair of samples, per example.

    The gradient of the penalty reaches the critic's weights and nothing behind `a` and `b`. The critic
    must treat examples independently: no BatchNorm. Its norm is taken over all dimensions of x at
    once, and where it is exactly 0 the penalty is 1 with gradient 0.

    Shapes:  a, b [B, ...], alpha [B] of U[0, 1] -> [B]; critic: [B, ...] -> [B] or [B, 1]
    Range:   >= 0; weight it by 10
    Raises:  ValueError when a and b differ in shape or alpha is not [B]
    Source:  Gulrajani et al. 2017 (arXiv:1704.00028), algorithm 1

    >>> w = torch.tensor([3.0, 4.0])
    >>> gradient_penalty(lambda z: z @ w, torch.ones(1, 2), torch.zeros(1, 2), torch.rand(1))
    tensor([16.])
    """
    x = interpolate(a.detach(), b.detach(), alpha.detach()).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    # the norm has subgradient 0 at 0
    norm: Tensor = torch.linalg.vector_norm(gradient.flatten(start_dim=1), dim=1)
    return (norm - 1.0).square()
