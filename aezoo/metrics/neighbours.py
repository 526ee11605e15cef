"""Nearest neighbours that are exact: a copied image is at distance 0.

|b|^2 / 2 - ab, one matrix product, orders the rows b by their distance to a quickly, but its rounding makes
0.02 out of a distance of 0. So the product only proposes: with bounds on its rounding error it rules out the
rows that cannot be among the nearest, and the few others are measured by their differences in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, features, pair

_BLOCK = 1000  # rows of a at once: 40 MB of products with 10,000 rows of b
_NUMBERS = 1 << 22  # in float64 differences at once: 32 MB
_TIE = 1e-12  # squared distances closer than this, relatively, differ by rounding only


def nearest_distances(a: Features, b: Features) -> tuple[Tensor, Tensor]:
    """For each row of a, its nearest row of b: the L2 distance and where it is.

    Shapes:  a [N, d], b [M, d] -> float64 [N], int64 [N]
    Range:   >= 0, and 0 exactly for a copy; among equally near rows the first
    Raises:  ConfigError as `features`, and for sets of different width

    >>> nearest_distances(torch.tensor([[0.0], [5.0]]), torch.tensor([[4.0], [3.0]]))
    (tensor([3., 1.], dtype=torch.float64), tensor([1, 0]))
    """
    distance, index = nearest_neighbours(a, b, 1)
    return distance[:, 0], index[:, 0]


def nearest_neighbours(a: Features, b: Features, k: int) -> tuple[Tensor, Tensor]:
    """For each row of a, its k nearest rows of b, nearest first: L2 distances and where they are.

    Shapes:  a [N, d], b [M, d] -> float64 [N, k], int64 [N, k]
    Range:   >= 0, ascending; equally near rows in their order in b
    Raises:  ConfigError as `nearest_distances`, and for fewer than k rows in b
    """
    fake, real = pair(a, b, rows=1)
    check_neighbours(k, len(real), "b")
    return _search(fake, real, k)


def kth_distances(a: Features, k: int) -> Tensor:
    """The L2 distance of each row to its k-th nearest other row of the same set.

    Shapes:  [N, d] -> float64 [N]
    Range:   >= 0; 0 where a row is there k + 1 times
    Raises:  ConfigError as `features`, and for fewer than k + 1 rows

    >>> kth_distances(torch.tensor([[0.0], [1.0], [3.0]]), 1)
    tensor([1., 1., 2.], dtype=torch.float64)
    """
    rows = features(a, "a", rows=1)
    check_neighbours(k, len(rows) - 1, "a")
    return _search(rows, rows, k, own=True)[0][:, -1]


def distinct_rows(rows: Tensor) -> Tensor:
    """Where the first of each group of equal rows is, ascending: [N, d], checked -> int64 [U]."""
    return _copies(rows, torch.linalg.vector_norm(rows, dim=1)).first


def within(a: Tensor, b: Tensor, radii: Tensor) -> Iterator[Tensor]:
    """Whether each row of a lies inside the open ball around each row of b, in blocks of rows of a.

    A distance that equals the radius but for rounding is not inside, whatever the rounding says.

    Shapes:  a [N, d], b [M, d], checked; radii float64 [M], not all 0 -> bool [n, M] each
    """
    solid = radii.nonzero()[:, 0]  # nothing is inside an open ball of radius 0
    ready = _ready(a, b).only(solid)
    square = (radii[solid] * ready.scale).square() * (1.0 - _TIE)
    half = (0.5 * square).float()
    for start in range(0, len(a), _BLOCK):
        block = a[start : start + _BLOCK]
        rows, norm = ready.rows(block)
        low = ready.low(rows).sub_(half * (1.0 + ready.error))  # of (|a - b|^2 - radius^2 - |a|^2) / 2
        bound, slack = -0.5 * norm.square(), ready.error * norm.square()
        inside = low < (bound + slack)[:, None]
        low += 2.0 * (ready.errors(norm) + ready.error * half)
        doubtful = inside & (low >= (bound - slack)[:, None])
        i, j = doubtful.nonzero(as_tuple=True)
        inside[i, j] = _squares(block, b, i, solid[j], ready.scale) < square[j]
        found = torch.zeros(len(block), len(b), dtype=torch.bool, device=b.device)
        found[:, solid] = inside
        yield found


@dataclass(frozen=True)
class _Ready:
    """Rows of b made ready for products.

    columns:  centred and scaled, and error * norm as one more column: float32 [U, d + 1]
    norm:     |b| [U]
    centre:   what was subtracted [d]
    scale:    what was multiplied with
    error:    largest rounding error of a product, relative to |a| |b|
    """

    columns: Tensor
    norm: Tensor
    centre: Tensor
    scale: float
    error: float

    def only(self, index: Tensor) -> _Ready:
        """The same of some rows."""
        return replace(self, columns=self.columns[index], norm=self.norm[index])

    def rows(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of a, ready to be multiplied with these [n, d + 1], and their norms [n]."""
        rows = torch.empty(len(block), block.shape[1] + 1, device=block.device)
        norm = rows[:, -1] = _centre(block, self.centre, self.scale, out=rows[:, :-1])
        return rows, norm

    def low(self, rows: Tensor) -> Tensor:
        """Lower bounds of |b|^2 / 2 - ab [n, U]: the column of norms subtracts the product's error."""
        bias = (0.5 - self.error) * self.norm.square()
        return torch.addmm(bias, rows, self.columns.T, alpha=-1.0)

    def errors(self, norm: Tensor, index: Tensor | None = None) -> Tensor:
        """Half the width of those bounds [n, U], or [n, k] for some columns."""
        b = self.norm if index is None else self.norm[index]
        return self.error * b * (norm[:, None] + b)


def _search(a: Tensor, b: Tensor, k: int, *, own: bool = False) -> tuple[Tensor, Tensor]:
    """The k nearest rows; with `own`, a is b and a row is no neighbour of itself."""
    wanted = k + own
    ready = _ready(a, b)
    copies = _copies(b, ready.norm)
    if len(copies.first) < len(b):
        ready = ready.only(copies.first)
    distances = torch.empty(len(a), k, dtype=torch.float64, device=b.device)
    indices = torch.empty(len(a), k, dtype=torch.int64, device=b.device)
    for start in range(0, len(a), _BLOCK):
        block = a[start : start + _BLOCK]
        i, group = _candidates(*ready.rows(block), ready, wanted)
        square = _squares(block, b, i, copies.first[group], ready.scale)
        i, j, square = copies.expand(i, group, square, wanted)
        if own:
            other = i + start != j
            i, j, square = i[other], j[other], square[other]
        best = _best(i, j, square, len(block), k)
        distances[start : start + _BLOCK] = square[best].sqrt() / ready.scale
        indices[start : start + _BLOCK] = j[best]
    return distances, indices


def _candidates(rows: Tensor, norm: Tensor, ready: _Ready, k: int) -> tuple[Tensor, Tensor]:
    """Pairs (row, column) that hold the k nearest columns of each row, for certain."""
    low = ready.low(rows)
    if k == 1:
        least, index = low.min(dim=1, keepdim=True)
    else:
        least, index = low.topk(min(k, low.shape[1]), dim=1, largest=False, sorted=False)
    reach = (least + 2.0 * ready.errors(norm, index)).amax(dim=1, keepdim=True)  # k columns are this near
    i, j = (low <= reach).nonzero(as_tuple=True)
    return i, j


def _best(i: Tensor, j: Tensor, square: Tensor, rows: int, k: int) -> Tensor:
    """Where the k least squares of each row are [rows, k], ascending; ties by j."""
    order = torch.argsort(j)
    for key in (square, i):
        order = order[torch.argsort(key[order], stable=True)]
    counts = torch.bincount(i, minlength=rows)
    starts = counts.cumsum(0) - counts
    return order[starts[:, None] + torch.arange(k, device=i.device)]


def _squares(a: Tensor, b: Tensor, i: Tensor, j: Tensor, scale: float) -> Tensor:
    """Squared distances of the pairs a[i], b[j] times scale^2, by differences in float64 [P]."""
    squares = torch.empty(len(i), dtype=torch.float64, device=a.device)
    size = max(1, _NUMBERS // a.shape[1])
    for start in range(0, len(i), size):
        part = slice(start, start + size)
        difference = a[i[part]].double().sub_(b[j[part]]).mul_(scale)
        torch.sum(difference.square_(), dim=1, out=squares[part])
    return squares


def _ready(a: Tensor, b: Tensor) -> _Ready:
    exact = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
    centre = b.mean(dim=0, dtype=exact)  # any centre is right; this one makes the products small
    scale = _scale(a, b)
    columns = torch.empty(len(b), b.shape[1] + 1, device=b.device)
    norm = torch.empty(len(b), device=b.device)
    for start in range(0, len(b), _BLOCK):
        part = slice(start, start + _BLOCK)
        norm[part] = _centre(b[part], centre, scale, out=columns[part, :-1])
    error = _product_error(b.shape[1])
    columns[:, -1] = error * norm
    return _Ready(columns, norm, centre, scale, error)


def _centre(rows: Tensor, centre: Tensor, scale: float, out: Tensor) -> Tensor:
    """Writes the rows centred and scaled, in float32; gives their norms."""
    out.copy_((rows.to(centre.dtype) - centre).mul_(scale))
    norm: Tensor = torch.linalg.vector_norm(out, dim=1)
    return norm


def _product_error(size: int) -> float:
    """Of a float32 product of vectors, relative to the product of their norms.

    Rounding errors add up like a random walk (Higham & Mary 2019, a constant times sqrt(d) eps); the
    constant is generous. Where a user lets matrix products round to 8 bits, that is the error.
    """
    if torch.get_float32_matmul_precision() != "highest":
        return 2.0**-6
    return torch.finfo(torch.float32).eps * (8.0 + 2.0 * math.sqrt(size))


def _scale(a: Tensor, b: Tensor) -> float:
    """A power of two that keeps squares of any features inside float32 and costs no digit."""
    largest = max(abs(float(end)) for rows in (a, b) for end in torch.aminmax(rows))
    return math.ldexp(1.0, -min(max(math.frexp(largest)[1], -1000), 1000))


@dataclass(frozen=True)
class _Copies:
    """Rows that are there more than once: measured once, so that blank images cost no more than others.

    first:    the first row of each group of equal rows, ascending [U]
    members:  all rows, group by group, ascending inside [M]
    counts:   rows in each group [U]
    """

    first: Tensor
    members: Tensor
    counts: Tensor

    def expand(self, i: Tensor, group: Tensor, square: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs with groups as pairs with the rows in them, k of each group at most."""
        if len(self.first) == len(self.members):
            return i, group, square
        repeats = self.counts[group].clamp(max=k)
        ends = repeats.cumsum(0)
        place = torch.arange(int(ends[-1]), device=i.device) - (ends - repeats).repeat_interleave(repeats)
        starts = (self.counts.cumsum(0) - self.counts)[group].repeat_interleave(repeats)
        return i.repeat_interleave(repeats), self.members[starts + place], square.repeat_interleave(repeats)


def _copies(b: Tensor, norm: Tensor) -> _Copies:
    """Equal rows have equal norms, and rows of equal norms are then compared."""
    everyone = torch.arange(len(b), device=b.device)
    _, group = torch.unique(norm, return_inverse=True)
    first = torch.full_like(everyone, len(b)).scatter_reduce(0, group, everyone, "amin")[group]
    later = (first != everyone).nonzero()[:, 0]
    for some in later.split(_BLOCK):
        differs = (b[some] != b[first[some]]).any(dim=1)
        first[some] = torch.where(differs, some, first[some])
    members = torch.argsort(first, stable=True)
    firsts, counts = torch.unique(first, return_counts=True)
    return _Copies(firsts, members, counts)


def check_neighbours(k: int, others: int, name: str) -> None:
    """Raises ConfigError for fewer than one neighbour, or more than a row of the named set can have."""
    if k < 1:
        raise ConfigError(f"{k} neighbours were asked for", where="k", fix="ask for one or more")
    if others < k:
        raise ConfigError(
            f"{k} neighbours were asked for, and a row of {name} can have {others}",
            where=f"k, {name}",
            fix="ask for fewer neighbours or give more rows",
        )
