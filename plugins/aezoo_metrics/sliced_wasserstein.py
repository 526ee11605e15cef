"""The sliced Wasserstein distance of two sets of features. Bonneel et al., JMIV 2015."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, final

from pydantic import Field
from torch import Tensor

from aezoo.api import Measure, SetMetric, metrics


@final
class SlicedWasserstein(SetMetric):
    """W2 along random lines: no model of the sets, and nothing to be fitted."""

    measures = {"sw": Measure("lower", "sliced W2 distance, in units of the features, >= 0")}

    def __init__(
        self, directions: Annotated[int, Field(gt=0, description="random directions, > 0")] = 500
    ) -> None:
        self.directions = directions

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The distance."""
        return {"sw": metrics.sliced_wasserstein(fake, real, directions=self.directions, seed=seed)}
