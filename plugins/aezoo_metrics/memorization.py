"""Whether a model draws its training images. FlexAE (UAI 2021), section 4.2.3 and table 4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, final

import torch
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
        "authpct": Measure("higher", "share farther from a training row than that from its next, 0..1"),
    }

    def measure(self, evaluation: Evaluation) -> Iterator[Value]:
        """Four columns of each score, of disjoint sets of equal size; and copies."""
        yield from _scores("pms", evaluation.rows, evaluation)
        yield from _copies(evaluation)
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


def _some(rows: Tensor, evaluation: Evaluation) -> Tensor:
    """As many rows as the training split has pairs of, where those are fewer."""
    count = evaluation.sets.pairs
    if count == len(rows):
        return rows
    order = torch.randperm(len(rows), generator=generator_for("cpu", evaluation.seed, "memorization"))
    return rows[order[:count]]


def _copies(evaluation: Evaluation) -> Iterator[Value]:
    """Exact copies of any training row; what costs distances looks at as many of them as pms does."""
    sets, rounding = evaluation.sets, _rounding(evaluation)
    exact = metrics.exact_copies(sets.rows("generation"), sets.all_training())
    everything = {"split": "train", "n_real": len(evaluation.data.train), **rounding}
    yield Value("copies", exact, "gen-tr", protocol=everything)
    generated = evaluation.rows("generation")
    train = evaluation.rows("train-1", "train-2", most=max(2, NUMBERS // generated.shape[1]))
    some = {"split": "train", "n_real": len(train), **rounding}
    _, near = metrics.copies(generated, train)
    yield Value("near_copies", near, "gen-tr", protocol=some)
    yield Value("authpct", metrics.authenticity(generated, train), "gen-tr", protocol=some)


def _rounding(evaluation: Evaluation) -> dict[str, str]:
    """Sets are measured as files would hold them, in x itself too."""
    return {"rounding": "8 bits" if evaluation.data.is_image else "none"}
