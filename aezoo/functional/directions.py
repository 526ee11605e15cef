"""Directions in a space of codes: what sets two groups apart, and where codes vary most."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def mean_difference(z: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean of the positive rows minus mean of the negative ones: adding it adds what they differ in.

    Shapes:  z [N, m], positive, negative bool [N] -> [m], with the type of z
    Raises:  ValueError when one of the groups is empty
    Source:  Mondal et al. 2020 (arXiv:2006.05838), technical appendix

    >>> z = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0]])
    >>> mean_difference(z, torch.tensor([True, True, False]), torch.tensor([False, False, True]))
    tensor([ 2., -5.])
    """
    if not (positive.any() and negative.any()):
        raise ValueError(f"no difference between {int(positive.sum())} and {int(negative.sum())} rows")
    return (z[positive].double().mean(dim=0) - z[negative].double().mean(dim=0)).to(z.dtype)


@dataclass(frozen=True)
class Principal:
    """Principal components of some rows.

    mean:       of the rows [D]
    axes:       unit vectors in columns [D, k], largest variance first; zero where there is none
    explained:  share of the whole variance along each axis [k]
    """

    mean: Tensor
    axes: Tensor
    explained: Tensor

    def coordinates(self, rows: Tensor) -> Tensor:
        """Rows [N, D] on the axes [N, k], float64."""
        return (rows.double() - self.mean) @ self.axes


def principal_components(rows: Tensor, k: int = 2) -> Principal:
    """The first k principal components, each with its largest entry positive: eigenvectors have no sign.

    Shapes:  rows [N, D]; counted in float64

    >>> principal_components(torch.tensor([[0.0, 1.0], [4.0, 1.0]])).explained
    tensor([1., 0.], dtype=torch.float64)
    """
    rows = rows.double()
    mean = rows.mean(dim=0)
    centred = rows - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred)  # ascending
    axes, explained = rows.new_zeros(rows.shape[1], k), rows.new_zeros(k)
    found = vectors.flip(1)[:, :k]
    axes[:, : found.shape[1]] = found
    largest = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True))
    axes *= torch.where(largest < 0, -1.0, 1.0)
    values = values.clamp(min=0)
    explained[: found.shape[1]] = values.flip(0)[:k] / values.sum().clamp(min=1e-300)
    return Principal(mean, axes, explained)
