"""Has the generator learned its training rows by heart? Distances to the nearest row, and copies.

Distances between pixels give PMS, those between Inception features IMS. No single number answers the
question: blurred images are near to everything, and a model that misses the data is far from its training
rows. So look at the four columns together (Stein et al. 2023, arXiv:2306.04675).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, features, pair, tensor
from aezoo.metrics.neighbours import distinct_rows, kth_distances, nearest_distances, nearest_neighbours

NEAR = 1 / 3
"""A near copy's distance to the nearest training row, relative to that to the second nearest."""


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
    if not 0.0 < near < 1.0:
        raise ConfigError(f"near is {near}", where="near", fix="give a ratio between 0 and 1, such as 1/3")
    places = distinct_rows(real)
    different = real if len(places) == len(real) else real[places]  # no copy where there are none
    if len(different) < 2:
        raise ConfigError(
            f"the {len(real)} rows of b are copies of one", where="b", fix="give training rows that differ"
        )
    distance, _ = nearest_neighbours(fake, different, 2)
    exact, close = distance[:, 0] == 0, distance[:, 0] < near * distance[:, 1]
    return float(exact.double().mean()), float(close.double().mean())


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
