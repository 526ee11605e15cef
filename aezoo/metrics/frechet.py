"""Frechet distance between the normals fitted to two sets: `fid` on Inception features, `fd` on any other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, features, finite, pair

BLOCK = 2**23  # numbers made float64 at a time, 64 MiB: the sets themselves stay as they came
EPSILON = torch.finfo(torch.float64).eps
SINGULAR = 1e-4  # smallest over largest diagonal entry of a Cholesky factor: a condition of about 1e8


def frechet_distance(a: Features, b: Features) -> float:
    """||mean_a - mean_b||^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), covariances S divided by N - 1.

    With A, B the centred rows over sqrt(N - 1), tr (S_a S_b)^(1/2) is the sum of the singular values of
    A B^T, for sets of any sizes; a set of more rows than columns is replaced by the R of its QR first. So
    fewer samples than dimensions lose no digits, and nothing is added to a diagonal. Only where rows fill
    the space well is it taken from covariances, which is faster: then no digit is at stake.
    The distance is biased upwards, about as 1/N: compare equal N only. Time grows as min(N, d)^3: seconds at
    2048 columns, minutes for 10,000 images of 12,288 pixels.

    Shapes:  a [N, d], b [M, d], N and M at least 2, d >= 1
    Range:   >= 0; constant sets are fine: |mean_a - mean_b|^2
    Raises:  ConfigError for sets of different width, fewer than 2 rows, NaN, infinity, overflow
    Source:  Dowson & Landau 1982; Heusel et al. 2017 (arXiv:1706.08500), eq. 6

    >>> frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[5.0], [7.0]]))
    25.0
    """
    fake, real = pair(a, b)
    quick = _by_covariances(fake, real) if min(len(fake), len(real)) > fake.shape[1] else None
    if quick is not None:
        return quick
    left, right = (_Rows(rows, _mean(rows), 1 / math.sqrt(len(rows) - 1)) for rows in (fake, real))
    gap = (left.mean - right.mean).square().sum()
    product, spread = _cross(left.reduce(), right.reduce())
    scale = finite(float(gap + spread), "the Frechet distance")
    return _not_negative(scale - 2 * float(torch.linalg.svdvals(product).sum()), scale)


@dataclass(frozen=True, eq=False)
class Statistics:
    """What the Frechet distance needs of a set, gathered batch by batch in float64.

    n:     rows seen
    mean:  [d]
    m2:    [d, d], the sum of outer products of the rows' deviations from the mean

    Source:  Chan, Golub & LeVeque 1979, for the merge: sums of squares lose the digits that a mean far from
             zero takes up (mean 1e4 in float32: off by 221, where this is off by 1e-13)
    """

    n: int
    mean: Tensor
    m2: Tensor

    def __post_init__(self) -> None:
        if self.mean.dim() != 1 or self.m2.shape != (len(self.mean), len(self.mean)):
            raise ConfigError(
                f"mean has the shape {tuple(self.mean.shape)} and m2 the shape {tuple(self.m2.shape)}",
                where="Statistics",
                fix="give a mean [d] and a sum of outer products [d, d]",
            )

    @classmethod
    def of(cls, batch: Features) -> Statistics:
        """The statistics of one batch [N, d], N at least 1."""
        rows = features(batch, "batch", rows=1)
        first, *rest = (cls._of(part) for part in rows.split(max(1, BLOCK // rows.shape[1])))
        for part in rest:
            first = first.merge(part)
        return first

    @classmethod
    def _of(cls, rows: Tensor) -> Statistics:
        rows = rows.double()
        mean = rows.mean(0)
        centred = rows - mean
        return cls(len(rows), mean, centred.T @ centred)

    def merge(self, other: Statistics) -> Statistics:
        """The statistics of both sets together."""
        _same_width(self, other)
        n = self.n + other.n
        gap = other.mean - self.mean
        m2 = self.m2 + other.m2 + torch.outer(gap, gap) * (self.n * other.n / n)
        return Statistics(n, self.mean + gap * (other.n / n), m2)

    @property
    def covariance(self) -> Tensor:
        """[d, d], divided by n - 1.

        Raises:  ConfigError for fewer than 2 rows
        """
        if self.n < 2:
            raise ConfigError(
                f"{self.n} rows have no covariance", where="Statistics", fix="give at least 2 rows"
            )
        return self.m2.double() / (self.n - 1)


def frechet_from_statistics(a: Statistics, b: Statistics) -> float:
    """The Frechet distance where the rows themselves are gone.

    tr (S_a S_b)^(1/2) is the sum of the roots of the eigenvalues of R^T S_b R with S_a = R R^T. Equal to
    `frechet_distance` to about 1e-8 of the sum of traces for sets of full rank. The smallest eigenvalues of
    a product of covariances are rounding, of which the root is taken; the form on rows never squares.

    Range:   >= 0
    Raises:  ConfigError for different widths, fewer than 2 rows, overflow, an m2 that is no sum of squares

    >>> def normal(mean, variance): return Statistics(2, torch.full((3,), mean), variance * torch.eye(3))
    >>> frechet_from_statistics(normal(0.0, 1.0), normal(1.0, 4.0))
    6.0
    """
    _same_width(a, b)
    s_a, s_b = a.covariance, b.covariance
    gap = (a.mean.double() - b.mean.double()).square().sum()
    scale = finite(float(gap + s_a.trace() + s_b.trace()), "the Frechet distance")
    values, vectors = torch.linalg.eigh(s_a)
    kept = values > len(values) * EPSILON * values.max()  # the others cannot be told from zero
    cross = _root_trace(vectors[:, kept] * values[kept].sqrt(), s_b)
    return _not_negative(scale - 2 * cross, scale, max(1e-6, len(values) * math.sqrt(EPSILON)))


def _by_covariances(fake: Tensor, real: Tensor) -> float | None:
    """The distance with Cholesky's root of a covariance; None where one of the two is nearly singular."""
    a, b = Statistics.of(fake), Statistics.of(real)
    s_a, s_b = a.covariance, b.covariance
    scale = finite(
        float((a.mean - b.mean).square().sum() + s_a.trace() + s_b.trace()), "the Frechet distance"
    )
    roots = [torch.linalg.cholesky_ex(s) for s in (s_a, s_b)]
    if not all(_is_regular(root, int(info)) for root, info in roots):
        return None
    return _not_negative(scale - 2 * _root_trace(roots[0][0], s_b), scale)


def _is_regular(root: Tensor, info: int) -> bool:
    """Whether a Cholesky factor is one, of a matrix whose small eigenvalues keep half of their digits."""
    size = root.diagonal()
    return info == 0 and bool(size.min() > SINGULAR * size.max())


def _root_trace(root: Tensor, s: Tensor) -> float:
    """tr (R R^T S)^(1/2): the roots of the eigenvalues of R^T S R."""
    return float(torch.linalg.eigvalsh(root.T @ s @ root).clamp(min=0).sqrt().sum())


@dataclass(frozen=True, eq=False)
class _Rows:
    """scale * (values - mean), made in float64 a few columns or rows at a time."""

    values: Tensor
    mean: Tensor
    scale: float

    def columns(self, part: slice) -> Tensor:
        return (self.values[:, part].double() - self.mean[part]).mul_(self.scale)

    def reduce(self) -> _Rows:
        """At most as many rows as columns, with the same sum of outer products: the R of a blocked QR."""
        n, d = self.values.shape
        if n <= d:
            return self
        r = self.mean.new_empty(0, d)
        for rows in self.values.split(max(d, 4 * BLOCK // d)):
            r = torch.linalg.qr(torch.cat([r, (rows.double() - self.mean).mul_(self.scale)]), mode="r").R
        return _Rows(r, torch.zeros_like(self.mean), 1.0)


def _mean(rows: Tensor) -> Tensor:
    total = torch.zeros(rows.shape[1], dtype=torch.float64, device=rows.device)
    for part in rows.split(max(1, BLOCK // rows.shape[1])):
        total += part.double().sum(0)
    return total / len(rows)


def _cross(left: _Rows, right: _Rows) -> tuple[Tensor, Tensor]:
    """Their inner products [N, M], and the sum of both traces of covariance."""
    n, m, d = len(left.values), len(right.values), len(left.mean)
    product, spread = left.mean.new_zeros(n, m), left.mean.new_zeros(())
    width = max(1, BLOCK // max(n, m))
    for start in range(0, d, width):
        part = slice(start, start + width)
        p, q = left.columns(part), right.columns(part)
        product.addmm_(p, q.T)
        spread += _squares(p) + _squares(q)
    return product, spread


def _squares(rows: Tensor) -> Tensor:
    return torch.dot(rows.reshape(-1), rows.reshape(-1))


def _same_width(a: Statistics, b: Statistics) -> None:
    if len(a.mean) != len(b.mean):
        raise ConfigError(
            f"one set has {len(a.mean)} columns and the other {len(b.mean)}",
            where="Statistics",
            fix="gather both from features of one extractor",
        )


def _not_negative(value: float, scale: float, rounding: float = 1e-6) -> float:
    """Rounding below zero is zero; anything further below is a fault in what was given."""
    if math.isnan(value) or value < -rounding * scale:
        raise ConfigError(
            f"the Frechet distance comes out as {value}, so m2 is not a sum of outer products",
            where="Statistics",
            fix="gather statistics with Statistics.of and merge",
        )
    return max(value, 0.0)
