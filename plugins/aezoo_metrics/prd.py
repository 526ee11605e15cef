"""Precision and recall of distributions. Sajjadi et al., NeurIPS 2018 (arXiv:1806.00035)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, final

from pydantic import Field
from torch import Tensor

from aezoo.api import Measure, SetMetric, metrics


@final
class PRD(SetMetric):
    """Both ends of the curve between quality and variety, as the FlexAE papers print them.

    The published settings are the defaults.
    """

    measures = {
        "prd_precision": Measure("higher", "largest F1/8 of the curve, 0..1: how much of the set is real"),
        "prd_recall": Measure("higher", "largest F8 of the curve, 0..1: how much of the real data it covers"),
    }

    def __init__(
        self,
        clusters: Annotated[int, Field(gt=1, description="of the union of both sets, > 1")] = 20,
        runs: Annotated[int, Field(gt=0, description="clusterings whose curves are averaged, > 0")] = 10,
        fast: Annotated[
            bool, Field(description="cluster 64 principal components: nearly the same, faster")
        ] = False,
    ) -> None:
        self.clusters, self.runs, self.fast = clusters, runs, fast

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The two summaries."""
        found = metrics.prd(fake, real, clusters=self.clusters, runs=self.runs, seed=seed, fast=self.fast)
        return {"prd_precision": found.f1_8, "prd_recall": found.f8}
