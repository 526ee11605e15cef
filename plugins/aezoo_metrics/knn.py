"""Precision, recall, density and coverage by nearest neighbours.

Kynkaanniemi et al., NeurIPS 2019 (arXiv:1904.06991); Naeem et al., ICML 2020 (arXiv:2002.09797).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, final

from pydantic import Field
from torch import Tensor

from aezoo.api import ConfigError, Measure, SetMetric, metrics


@final
class Neighbours(SetMetric):
    """Whether rows of one set lie in the surroundings of the other's."""

    measures = {
        "knn_precision": Measure("higher", "share of the set within the real data's surroundings, 0..1"),
        "knn_recall": Measure("higher", "share of the real data within the set's surroundings, 0..1"),
        "density": Measure("higher", "real surroundings that a row lies in, over k; about 1 is full"),
        "coverage": Measure("higher", "share of real rows with a row of the set in their surroundings, 0..1"),
    }

    def __init__(
        self,
        k: Annotated[
            int, Field(gt=0, description="a row's surroundings reach to its k-th nearest neighbour, > 0")
        ] = 5,
    ) -> None:
        self.k = k

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float | str]:
        """All four; without a recall where the set is one row over and over."""
        precision = metrics.knn_precision(fake, real, self.k)
        density, coverage = metrics.density_coverage(fake, real, self.k)
        try:
            recall: float | str = metrics.knn_recall(fake, real, self.k)
        except ConfigError as err:
            recall = err.what
        return {"knn_precision": precision, "knn_recall": recall, "density": density, "coverage": coverage}
