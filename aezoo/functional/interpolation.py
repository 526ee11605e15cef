"""Points on the line between two samples."""

from __future__ import annotations

from torch import Tensor


def interpolate(a: Tensor, b: Tensor, alpha: Tensor) -> Tensor:
    """alpha a + (1 - alpha) b, with one alpha per example.

    Shapes:  a, b [B, ...], alpha [B] -> [B, ...]
    Range:   alpha = 1 gives a, alpha = 0 gives b; values outside [0, 1] extrapolate
    Raises:  ValueError when a and b differ in shape or alpha is not [B]

    >>> import torch
    >>> interpolate(torch.tensor([[4.0, 0.0]]), torch.zeros(1, 2), torch.tensor([0.25]))
    tensor([[1., 0.]])
    """
    if a.shape != b.shape:
        raise ValueError(f"shapes must agree: a {tuple(a.shape)}, b {tuple(b.shape)}")
    if alpha.shape != a.shape[:1]:
        raise ValueError(f"one alpha per example: alpha {tuple(alpha.shape)}, a {tuple(a.shape)}")
    alpha = alpha.view(-1, *[1] * (a.dim() - 1))  # [B, 1, ...]
    return alpha * a + (1.0 - alpha) * b
