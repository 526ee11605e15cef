"""The sliced Wasserstein distance of two sets of features. Bonneel et al., JMIV 2015."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from pydantic import Field
from torch import Tensor

from aezoo.api import Config, Measure, SetMetric, metrics


class SlicedWassersteinConfig(Config):
    """Along how many lines the sets are sorted."""

    directions: int = Field(500, gt=0, description="random directions, > 0")


@final
class SlicedWasserstein(SetMetric):
    """W2 along random lines: no model of the sets, and nothing to be fitted."""

    measures = {"sw": Measure("lower", "sliced W2 distance, in units of the features, >= 0")}

    def __init__(self, directions: int = 500) -> None:
        self.directions = directions

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The distance."""
        return {"sw": metrics.sliced_wasserstein(fake, real, directions=self.directions, seed=seed)}
