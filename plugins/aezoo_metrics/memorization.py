"""Whether a model draws its training images. FlexAE (UAI 2021), section 4.2.3 and table 4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from aezoo.api import Config, Measure, ModelMetric, Value, metrics

if TYPE_CHECKING:
    from aezoo.api import Evaluation


class MemorizationConfig(Config):
    """It has nothing to set."""


@final
class Memorization(ModelMetric):
    """Mean distances to the nearest row: PMS of x itself, IMS of features; and the share of copies."""

    measures = {
        "pms": Measure(None, "mean L2 distance to the nearest row, x in [0, 1]; copies: gen-tr below tr-tr"),
        "ims": Measure(None, "the same of features"),
        "copies": Measure("lower", "share of generated rows that are a training row to the bit, 0..1"),
        "near_copies": Measure(
            "lower", "share three times nearer to one training row than to any other, 0..1"
        ),
        "authpct": Measure("higher", "share farther from a training row than that from its next, 0..1"),
    }

    def measure(self, evaluation: Evaluation) -> Iterator[Value]:
        """Four columns of each score, and copies, all of disjoint sets of equal size."""
        yield from _scores("pms", evaluation.rows, evaluation.sets.pairs, evaluation.seed)
        yield from _copied(evaluation)
        for space in evaluation.spaces:

            def features(of: str, space: str = space) -> Tensor:
                return evaluation.features(of, space)

            yield from _scores("ims", features, evaluation.sets.pairs, evaluation.seed, space)


def _scores(
    measure: str, of: Callable[[str], Tensor], count: int, seed: int, space: str = ""
) -> Iterator[Value]:
    train = torch.cat([of("train-1"), of("train-2")])
    found = metrics.memorization_columns(of("generation"), train, of("test"), count=count, seed=seed)
    yield Value(measure, found.train_train, "tr-tr", space)
    yield Value(measure, found.generated_train, "gen-tr", space)
    yield Value(measure, found.train_test, "tr-te", space)
    yield Value(measure, found.generated_test, "gen-te", space)


def _copied(evaluation: Evaluation) -> Iterator[Value]:
    train = torch.cat([evaluation.rows("train-1"), evaluation.rows("train-2")])
    generated = evaluation.rows("generation")
    exact, near = metrics.copies(generated, train)
    yield Value("copies", exact, "gen-tr")
    yield Value("near_copies", near, "gen-tr")
    yield Value("authpct", metrics.authenticity(generated, train), "gen-tr")
