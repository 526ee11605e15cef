"""Precision and recall of distributions. Sajjadi et al., NeurIPS 2018 (arXiv:1806.00035)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from pydantic import Field
from torch import Tensor

from aezoo.api import Config, Measure, SetMetric, metrics


class PRDConfig(Config):
    """The published settings are the defaults."""

    clusters: int = Field(20, gt=1, description="of the union of both sets, > 1")
    runs: int = Field(10, gt=0, description="clusterings whose curves are averaged, > 0")
    fast: bool = Field(False, description="cluster 64 principal components: nearly the same, faster")


@final
class PRD(SetMetric):
    """Both ends of the curve between quality and variety, as the FlexAE papers print them."""

    measures = {
        "prd_precision": Measure("higher", "largest F1/8 of the curve, 0..1: how much of the set is real"),
        "prd_recall": Measure("higher", "largest F8 of the curve, 0..1: how much of the real data it covers"),
    }

    def __init__(self, clusters: int = 20, runs: int = 10, fast: bool = False) -> None:
        self.clusters, self.runs, self.fast = clusters, runs, fast

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The two summaries."""
        found = metrics.prd(fake, real, clusters=self.clusters, runs=self.runs, seed=seed, fast=self.fast)
        return {"prd_precision": found.f1_8, "prd_recall": found.f8}
