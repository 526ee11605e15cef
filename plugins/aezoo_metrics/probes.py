"""How well classes can be told from codes: a linear probe and a nearest-neighbour probe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, final

from pydantic import Field

from aezoo.api import Measure, ModelMetric, Value, metrics

if TYPE_CHECKING:
    from aezoo.api import Evaluation


@final
class Probes(ModelMetric):
    """Fitted to codes of training rows, counted on test rows. Data without classes have none."""

    measures = {
        "linear_probe": Measure(
            "higher", "share of test rows that a linear classifier of codes gets right, 0..1"
        ),
        "knn_probe": Measure(
            "higher", "share of test rows whose class the nearest training codes vote for, 0..1"
        ),
    }

    def __init__(
        self,
        rows: Annotated[int, Field(gt=1, description="training rows, at most, > 1")] = 10_000,
        k: Annotated[int, Field(gt=0, description="neighbours that vote, > 0")] = 10,
    ) -> None:
        self.rows, self.k = rows, k

    def measure(self, evaluation: Evaluation) -> Iterator[Value]:
        """Both probes."""
        train, test = evaluation.data.train.labels, evaluation.sets.labels()
        if train is None or test is None:
            return
        known = train[evaluation.sets.training_places(self.rows)]
        z, z_test = evaluation.codes("train", self.rows).z, evaluation.codes("test").z
        yield Value("linear_probe", metrics.linear_probe(z, known, z_test, test), "codes")
        yield Value("knn_probe", metrics.knn_probe(z, known, z_test, test, k=self.k), "codes")
