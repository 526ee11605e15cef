"""Has the generator learned its training rows by heart? Copies, and distances to the nearest row.

The answer is counted: how many generated rows are a training row, or nearly, against how many held-out rows
are (`copying`). Mean distances, PMS of pixels and IMS of Inception features, do not answer it: of 2,000
copies of 60,000 rows few lie among the 2,000 that they are held against, blurred images are near to
everything, and a model that misses the data is far from its training rows (Stein et al. 2023,
arXiv:2306.04675).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, features, pair, tensor
from aezoo.metrics.neighbours import distinct_rows, kth_distances, nearest_distances, nearest_neighbours

NEAR = 1 / 3
"""A near copy's distance to the nearest training row, relative to that to the second nearest."""
REACH = 0.99
"""Of held-out rows, the share whose distance to the nearest training row counts as near the data."""
QUANTILE = 1.959964  # of a 95 % interval


def memorization_score(a: Features, b: Features) -> float:
    """Mean distance of the rows of a to their nearest rows of b. The order of the two matters.

    Shapes:  a [N, d], b [M, d]
    Range:   >= 0, and 0 exactly if every row of a is a row of b
    Raises:  ConfigError as `pair`
    Source:  Mondal et al. 2020 (arXiv:2006.05838), section 4.2.3

    >>> memorization_score(torch.tensor([[0.0], [4.0]]), torch.tensor([[1.0], [4.0]]))
    0.5
    """
    fake, real = pair(a, b)
    return float(nearest_distances(fake, real)[0].mean())


@dataclass(frozen=True)
class Columns:
    """Memorization scores of sets of equal size, named (a, b): the neighbours are sought in b.

    count:  rows in each set

    A generator that memorises has generated_train below train_train; without one, the two are about equal.
    """

    train_train: float
    generated_train: float
    train_test: float
    generated_test: float
    count: int


def memorization_columns(
    generated: Features, train: Features, test: Features, *, count: int | None = None, seed: int = 0
) -> Columns:
    """The four memorization scores, the first of two disjoint parts of the training rows.

    count:  rows in each set; None: as many as all sets have, half of the training rows at most
    seed:   decides which rows are taken, where there are more

    Shapes:  generated [N, d], train [M, d], test [L, d]
    Range:   >= 0; compare only equal counts, as more rows are nearer
    Raises:  ConfigError as `pair`, and for a count that a set does not have
    Source:  Mondal et al. 2020 (arXiv:2006.05838), table 4, there with 10,000 rows each
    """
    made, seen = pair(generated, train, names=("generated", "train"))
    _, unseen = pair(train, test, names=("train", "test"))
    have = {"generated": len(made), "half of train": len(seen) // 2, "test": len(unseen)}
    count = min(have.values()) if count is None else count
    _check_count(count, have)
    generator = torch.Generator().manual_seed(seed)
    halves = _some(seen, 2 * count, generator)
    first, second = halves[:count], halves[count:]
    made, unseen = _some(made, count, generator), _some(unseen, count, generator)
    return Columns(
        train_train=memorization_score(second, first),
        generated_train=memorization_score(made, first),
        train_test=memorization_score(first, unseen),
        generated_test=memorization_score(made, unseen),
        count=count,
    )


def copies(a: Features, b: Features, near: float = NEAR) -> tuple[float, float]:
    """Shares of generated rows that are exactly, and at least nearly, a training row.

    A near copy is closer to its nearest training row than `near` times the distance to the second nearest
    that differs from it: there is one row it comes from. Exact copies count as near ones too.

    Shapes:  a [N, d] generated, b [M, d] training, all that there are (else see `exact_copies`)
    Range:   each in [0, 1], the second not below the first
    Raises:  ConfigError as `pair`, for a `near` outside (0, 1), and for copies of one row alone in b
    Source:  near copies: Yoon et al. 2023, Diffusion Probabilistic Models Generalize when They Fail to
             Memorize, with its threshold 1/3

    >>> copies(torch.tensor([[0.0], [1.1], [1.5]]), torch.tensor([[0.0], [1.0], [2.0]]))
    (0.3333333333333333, 0.6666666666666666)
    """
    fake, real = pair(a, b)
    _check_near(near)
    places = distinct_rows(real)
    different = real if len(places) == len(real) else real[places]  # no copy where there are none
    if len(different) < 2:
        raise ConfigError(
            f"the {len(real)} rows of b are copies of one", where="b", fix="give training rows that differ"
        )
    distance, _ = nearest_neighbours(fake, different, 2)
    exact, close = distance[:, 0] == 0, distance[:, 0] < near * distance[:, 1]
    return float(exact.double().mean()), float(close.double().mean())


def nearest_two(a: Features, batches: Iterable[Features]) -> Tensor:
    """For each row of a, the distances to its nearest row of all batches, and to the next one unlike that.

    batches:  all training rows, some at a time: no more of them are held than a batch, and 16 bytes a row

    Shapes:  a [N, d]; each batch [n, d] -> float64 [N, 2], ascending
    Range:   >= 0, and 0 exactly for a copy
    Raises:  ConfigError as `pair`, and for batches that hold fewer than two different rows

    >>> nearest_two(torch.tensor([[0.0], [1.5]]), [torch.tensor([[0.0], [0.0]]), torch.tensor([[2.0]])])
    tensor([[0.0000, 2.0000],
            [0.5000, 1.5000]], dtype=torch.float64)
    """
    made, seen = features(a, "a", rows=1), set[bytes]()
    best = torch.full((len(made), 2), torch.inf, dtype=torch.float64, device=made.device)
    for batch in batches:
        rows = tensor(batch, "b")
        different = rows[_first_seen(rows, seen)]
        if len(different):
            _, real = pair(made, different, rows=1)
            found, _ = nearest_neighbours(made, real, min(2, len(real)))
            best = torch.cat([best, found], 1).sort(dim=1).values[:, :2]
    if len(seen) < 2:
        raise ConfigError(
            f"b has {len(seen)} different rows", where="b", fix="give training rows that differ"
        )
    return best


def _first_seen(rows: Tensor, seen: set[bytes]) -> Tensor:
    """Places of the rows that are not in `seen`, and are from now on."""
    places = []
    for place, word in enumerate(_words(rows, "b")):
        digest = hashlib.blake2b(word, digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            places.append(place)
    return torch.tensor(places, dtype=torch.int64, device=rows.device)


@dataclass(frozen=True)
class Copying:
    """How many generated rows are copies, beyond what held-out rows happen to be.

    share:     of generated rows that are a training row, to the bit or nearly (see `copies`)
    held_out:  the same of held-out rows: what near duplicates among the data account for
    low, high: ends of the 95 % interval of share - held_out
    in_reach:  share of generated rows no farther from the training rows than 99 % of held-out rows are
    """

    share: float
    held_out: float
    low: float
    high: float
    in_reach: float

    def verdict(self, tolerance: float = 0.01) -> Literal["copies", "no copies", "not decidable"]:
        """`copies` where there surely are more than among held-out rows.

        `no copies` where there surely are not, but for a share below the tolerance, and half of the rows or
        more lie where the data do: of rows far from everything none is a copy, whatever they were made from.
        """
        if self.low > 0:
            return "copies"
        return "no copies" if self.high < tolerance and self.in_reach >= 0.5 else "not decidable"


def copying(generated: Tensor, held_out: Tensor, near: float = NEAR) -> Copying:
    """Counts of copies among both sets, from the `nearest_two` training rows of each row.

    Shapes:  generated [N, 2], held_out [L, 2]
    Raises:  ConfigError for a set without rows, and for a `near` outside (0, 1)
    Source:  the interval of a difference of shares: Newcombe 1998 (Statistics in Medicine 17), method 10

    >>> far, copy = torch.tensor([[1.0, 1.1]]), torch.tensor([[0.0, 1.0]])
    >>> copying(torch.cat([copy.repeat(10, 1), far.repeat(90, 1)]), far.repeat(100, 1)).verdict()
    'copies'
    """
    _check_near(near)
    for rows, name in ((generated, "generated"), (held_out, "held_out")):
        if len(rows) == 0:
            raise ConfigError(f"{name} has 0 rows", where=name, fix="give one row or more")
    counts = [int((rows[:, 0] < near * rows[:, 1]).sum()) for rows in (generated, held_out)]
    reach = held_out[:, 0].quantile(REACH)
    low, high = difference_interval(counts[0], len(generated), counts[1], len(held_out))
    return Copying(
        share=counts[0] / len(generated),
        held_out=counts[1] / len(held_out),
        low=low,
        high=high,
        in_reach=float((generated[:, 0] <= reach).double().mean()),
    )


def difference_interval(k: int, n: int, k_other: int, n_other: int) -> tuple[float, float]:
    """95 % interval of the difference of the shares k/n and k_other/n_other: Newcombe 1998, method 10.

    >>> low, high = difference_interval(56, 70, 48, 80)  # his first example
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    p, q = k / n, k_other / n_other
    (low, high), (low_other, high_other) = wilson(k, n), wilson(k_other, n_other)
    down = math.hypot(p - low, high_other - q)
    up = math.hypot(high - p, q - low_other)
    return p - q - down, p - q + up


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of which k of n were seen; of 0 of 2,000 it reaches to 0.0019."""
    p, square = k / n, QUANTILE**2 / n
    centre, half = p + square / 2, math.sqrt(square * (p * (1 - p) + square / 4))
    return max(0.0, (centre - half) / (1 + square)), min(1.0, (centre + half) / (1 + square))


def exact_copies(a: Features, batches: Iterable[Features]) -> float:
    """Share of generated rows that are a training row to the bit, of any number of training rows.

    batches:  all training rows, some at a time, in the type of a: one pass, and no distance is computed

    Shapes:  a [N, ...] generated; each batch [n, ...] of the same shape behind n
    Range:   [0, 1]
    Raises:  ConfigError for no rows of a, NaN, infinity, and for a batch of another type or shape

    >>> exact_copies(torch.tensor([[0.0], [1.1], [2.0]]), [torch.tensor([[0.0]]), torch.tensor([[2.0]])])
    0.6666666666666666
    """
    made = tensor(a, "a")
    words = _words(made, "a")
    if not words:
        raise ConfigError("a has 0 rows", where="a", fix="give one row or more")
    wanted, seen = set(words), set[bytes]()
    for batch in batches:
        rows = tensor(batch, "b")
        if (rows.dtype, rows.shape[1:]) != (made.dtype, made.shape[1:]):
            raise ConfigError(
                f"rows of a are {tuple(made.shape[1:])} {made.dtype}, those of b "
                f"{tuple(rows.shape[1:])} {rows.dtype}",
                where="a, b",
                fix="give both in one type and of one shape: bytes are compared",
            )
        seen |= wanted.intersection(_words(rows, "b"))
    return sum(word in seen for word in words) / len(words)


def _words(rows: Tensor, name: str) -> list[bytes]:
    """The bytes of each row; both zeros are one."""
    if rows.dtype.is_floating_point and len(rows):
        features(rows, name, rows=0)  # nan is no copy of nan
    return [row.tobytes() for row in (rows + 0).cpu().numpy()]


def authenticity(a: Features, b: Features) -> float:
    """AuthPct as a share: generated rows further from their nearest training row than its own neighbour is.

    Shapes:  a [N, d] generated, b [M, d] training
    Range:   [0, 1]; 0 for copies, about 1/2 for rows of the same distribution
    Raises:  ConfigError as `pair`
    Source:  Alaa et al. 2022 (arXiv:2102.08921), section 4; as in Stein et al. 2023 (arXiv:2306.04675)

    >>> authenticity(torch.tensor([[0.4], [4.5]]), torch.tensor([[0.0], [1.0], [3.0]]))
    0.0
    """
    fake, real = pair(a, b)
    distance, index = nearest_distances(fake, real)
    return float((distance > kth_distances(real, 1)[index]).double().mean())


def _check_near(near: float) -> None:
    if not 0.0 < near < 1.0:
        raise ConfigError(f"near is {near}", where="near", fix="give a ratio between 0 and 1, such as 1/3")


def _check_count(count: int, have: dict[str, int]) -> None:
    least = min(have, key=lambda name: have[name])
    if not 2 <= count <= have[least]:
        raise ConfigError(
            f"{count} rows of each set were asked for, and {least} has {have[least]}",
            where="count",
            fix="ask for 2 rows or more, and not for more than there are",
        )


def _some(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    order = torch.randperm(len(rows), generator=generator)[:count]
    return rows[order.to(rows.device)]
