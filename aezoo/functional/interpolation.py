"""Points on the line, or the arc, between two samples."""

from __future__ import annotations

import torch
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


def linear_path(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Points at equal distances on the straight lines from a to b, both ends among them.

    Shapes:  a, b [B, ...] -> [B, steps, ...]
    Range:   the first point is a and the last one b, bit for bit
    Raises:  ValueError when a and b differ in shape, or for fewer than two steps

    >>> linear_path(torch.zeros(1, 1), torch.tensor([[4.0]]), 3)
    tensor([[[0.],
             [2.],
             [4.]]])
    """
    points = [interpolate(b, a, torch.full_like(b.flatten(1)[:, 0], t)) for t in _shares(steps)]
    return torch.stack(points, dim=1)


def spherical_path(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Points from a to b along the great circle through their directions, norms interpolated linearly.

    Between parallel vectors this is the straight line, and from or to zero, which has no direction. Opposite
    ones lie on many great circles: the one through the axis that is farthest from a is taken. In one
    dimension there is none, and the cosine leads through zero.

    Shapes:  a, b [B, m] -> [B, steps, m]
    Range:   the first point is a and the last one b, bit for bit
    Raises:  ValueError as `linear_path`
    Source:  Shoemake 1985, Animating rotation with quaternion curves: sin((1 - t) w) / sin w and
             sin(t w) / sin w, here in a form that is exact for small angles w too
    """
    if a.shape != b.shape or a.dim() != 2:
        raise ValueError(f"two sets of vectors are needed: a {tuple(a.shape)}, b {tuple(b.shape)}")
    norm_a, norm_b = _norm(a.double()), _norm(b.double())
    u, v = _directions(a.double(), b.double(), norm_a, norm_b)
    side, angle = _side(u, v)
    points = []
    for t in _shares(steps):
        direction = torch.cos(t * angle) * u + torch.sin(t * angle) * side
        points.append((((1 - t) * norm_a + t * norm_b) * direction).to(a.dtype))
    return torch.stack([a, *points[1:-1], b], dim=1)


def _directions(a: Tensor, b: Tensor, norm_a: Tensor, norm_b: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors; zero takes the direction of the other one."""
    u, v = (vectors / norm.clamp(min=1e-300) for vectors, norm in ((a, norm_a), (b, norm_b)))
    return torch.where(norm_a > 0, u, v), torch.where(norm_b > 0, v, u)


def _side(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The unit vector [B, m] at a right angle to u on the way to v, and the angle [B, 1] between them."""
    cosine = (u * v).sum(dim=1, keepdim=True)
    across = v - cosine * u
    sine = _norm(across)
    other = _across_an_axis(u)
    side = torch.where(sine > 1e-6, across / sine.clamp(min=1e-300), other)
    return side, torch.atan2(sine, cosine)


def _across_an_axis(u: Tensor) -> Tensor:
    """The axis along which u is smallest, made orthogonal to u; zero in one dimension."""
    axis = torch.zeros_like(u).scatter_(1, u.abs().argmin(dim=1, keepdim=True), 1.0)
    across = axis - (axis * u).sum(dim=1, keepdim=True) * u
    return across / _norm(across).clamp(min=1e-6)


def _norm(vectors: Tensor) -> Tensor:
    """[B, m] -> [B, 1]."""
    norm: Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    return norm


def _shares(steps: int) -> list[float]:
    if steps < 2:
        raise ValueError(f"{steps} steps have no two ends")
    return [k / (steps - 1) for k in range(steps)]
