"""The kernel distance of two sets of features. Binkowski et al., ICLR 2018 (arXiv:1801.01401)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, final

from pydantic import Field
from torch import Tensor

from aezoo.api import Measure, SetMetric, metrics


@final
class Kernel(SetMetric):
    """Squared maximum mean discrepancy with a cubic kernel. KID only on Inception's features."""

    measures = {"kd": Measure("lower", "kernel distance; unbiased, so it may be below 0 for equal sets")}

    def __init__(
        self,
        subsets: Annotated[int, Field(gt=0, description="pairs of subsets that are averaged, > 0")] = 100,
        subset_size: Annotated[
            int, Field(gt=1, description="rows in a subset, at most the whole set, > 1")
        ] = 1000,
    ) -> None:
        self.subsets, self.subset_size = subsets, subset_size

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The mean over subsets."""
        size = min(self.subset_size, len(fake), len(real))
        whole = len(fake) == len(real) == size  # every subset would be the same
        subsets = 1 if whole else self.subsets
        mean, _ = metrics.kernel_distance(fake, real, subsets=subsets, subset_size=size, seed=seed)
        return {"kd": mean}
