"""The Frechet distance of two sets of features. Heusel et al., NeurIPS 2017 (arXiv:1706.08500)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor

from aezoo.api import Measure, SetMetric, metrics


@final
class Frechet(SetMetric):
    """Between normal distributions with the sets' means and covariances. FID only on Inception's features."""

    measures = {"fd": Measure("lower", "Frechet distance, >= 0; compare at equal numbers of rows only")}
    quick = True
    spans = True

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The distance."""
        return {"fd": metrics.frechet_distance(fake, real)}
