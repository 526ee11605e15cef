"""The kernel distance of two sets of features. Binkowski et al., ICLR 2018 (arXiv:1801.01401)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from pydantic import Field
from torch import Tensor

from aezoo.api import Config, Measure, SetMetric, metrics


class KernelConfig(Config):
    """How much is compared at a time."""

    subsets: int = Field(100, gt=0, description="pairs of subsets that are averaged, > 0")
    subset_size: int = Field(1000, gt=1, description="rows in a subset, at most the whole set, > 1")


@final
class Kernel(SetMetric):
    """Squared maximum mean discrepancy with a cubic kernel. KID only on Inception's features."""

    measures = {"kd": Measure("lower", "kernel distance; unbiased, so it may be below 0 for equal sets")}

    def __init__(self, subsets: int = 100, subset_size: int = 1000) -> None:
        self.subsets, self.subset_size = subsets, subset_size

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The mean over subsets."""
        size = min(self.subset_size, len(fake), len(real))
        whole = len(fake) == len(real) == size  # every subset would be the same
        subsets = 1 if whole else self.subsets
        mean, _ = metrics.kernel_distance(fake, real, subsets=subsets, subset_size=size, seed=seed)
        return {"kd": mean}
