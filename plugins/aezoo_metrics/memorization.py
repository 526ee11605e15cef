"""Whether a model draws its training images. FlexAE (UAI 2021), section 4.2.3 and table 4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, final

import torch
from pydantic import Field
from torch import Tensor

from aezoo.api import Measure, ModelMetric, Value, generator_for, metrics

if TYPE_CHECKING:
    from aezoo.api import Evaluation

NUMBERS = 2**27  # of training rows, 512 MiB: all of up to 20,000 images of 6,700 pixels


@final
class Memorization(ModelMetric):
    """Mean distances to the nearest row: PMS of x itself, IMS of features; and the share of copies."""

    measures = {
        "pms": Measure(None, "mean L2 distance to the nearest row, x in [0, 1]; copies: gen-tr below tr-tr"),
        "ims": Measure(None, "the same of features"),
        "copies": Measure("lower", "share of generated rows that are any training row to the bit, 0..1"),
        "near_copies": Measure(
            "lower", "share three times nearer to one training row than to any other, 0..1"
        ),
        "excess_copies_low": Measure(
            None, "near copies beyond those among test rows: least of a 95 % interval; copying above 0"
        ),
        "excess_copies_high": Measure(None, "its greatest; no copying where it is near 0"),
        "in_reach": Measure(
            None, "share no farther from training rows than 99 % of test rows; others cannot be told copies"
        ),
        "authpct": Measure("higher", "share farther from a training row than that from its next, 0..1"),
    }

    def __init__(
        self,
        rows: Annotated[
            int,
            Field(gt=0, description="generated rows, and test rows, held against all training rows, > 0"),
        ] = 2000,
    ) -> None:
        self.rows = rows

    def measure(self, evaluation: Evaluation) -> Iterator[Value]:
        """Four columns of each score, of disjoint sets of equal size; and copies of any training row."""
        yield from _scores("pms", evaluation.rows, evaluation)
        yield from _copies(evaluation, self.rows)
        for space in evaluation.spaces:

            def features(of: str, space: str = space) -> Tensor:
                return evaluation.features(of, space)

            yield from _scores("ims", features, evaluation, space)


def _scores(
    measure: str, of: Callable[[str], Tensor], evaluation: Evaluation, space: str = ""
) -> Iterator[Value]:
    """Sets are made when they are needed, and no more than two are there at a time."""
    count = evaluation.sets.pairs

    def row(a: Tensor, b: Tensor, column: str) -> Value:
        protocol = {"n_fake": count, "n_real": count, "split": "test" if column.endswith("te") else "train"}
        value = metrics.memorization_score(a, b)
        return Value(measure, value, column, space, {**protocol, **_rounding(evaluation)})

    first = of("train-1")
    yield row(of("train-2"), first, "tr-tr")
    yield row(_some(of("generation"), evaluation), first, "gen-tr")
    test = _some(of("test"), evaluation)
    yield row(first, test, "tr-te")
    del first
    yield row(_some(of("generation"), evaluation), test, "gen-te")


def _some(rows: Tensor, evaluation: Evaluation, count: int | None = None) -> Tensor:
    """So many rows; by default as many as the training split has pairs of."""
    count = min(evaluation.sets.pairs if count is None else count, len(rows))
    if count == len(rows):
        return rows
    order = torch.randperm(len(rows), generator=generator_for("cpu", evaluation.seed, "memorization"))
    return rows[order[:count]]


def _copies(evaluation: Evaluation, count: int) -> Iterator[Value]:
    """Copies of any training row; of AuthPct, which wants the neighbours' own, of as many as pms looks at."""
    sets, rounding = evaluation.sets, _rounding(evaluation)
    exact = metrics.exact_copies(sets.rows("generation"), sets.all_training())
    everything = {"split": "train", "n_real": len(evaluation.data.train), **rounding}
    yield Value("copies", exact, "gen-tr", protocol=everything)
    made, unseen = (_some(sets.rows(of), evaluation, count).flatten(1) for of in ("generation", "test"))
    both = metrics.nearest_two(
        torch.cat([made, unseen]).float(), (rows.flatten(1).float() for rows in sets.all_training())
    )
    found = metrics.copying(both[: len(made)], both[len(made) :])
    counted = everything | {"n_fake": len(made)}
    yield Value("near_copies", found.share, "gen-tr", protocol=counted)
    yield Value("near_copies", found.held_out, "te-tr", protocol=counted | {"n_fake": len(unseen)})
    yield Value("excess_copies_low", found.low, "gen-tr", protocol=counted)
    yield Value("excess_copies_high", found.high, "gen-tr", protocol=counted)
    yield Value("in_reach", found.in_reach, "gen-tr", protocol=counted)
    generated = evaluation.rows("generation")
    train = evaluation.rows("train-1", "train-2", most=max(2, NUMBERS // generated.shape[1]))
    some = {"split": "train", "n_real": len(train), **rounding}
    yield Value("authpct", metrics.authenticity(generated, train), "gen-tr", protocol=some)


def _rounding(evaluation: Evaluation) -> dict[str, str]:
    """Sets are measured as files would hold them, in x itself too."""
    return {"rounding": "8 bits" if evaluation.data.is_image else "none"}
