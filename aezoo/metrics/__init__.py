"""Measures of sets, reconstructions and codes: pure functions, a file each, generated first, real second.

They take numpy arrays or tensors and count in float64.
"""

from aezoo.metrics.frechet import Statistics, frechet_distance, frechet_from_statistics
from aezoo.metrics.kernel import kernel_distance
from aezoo.metrics.prd import PRD, prd
from aezoo.metrics.wasserstein import sliced_wasserstein, wasserstein

__all__ = [
    "PRD",
    "Statistics",
    "frechet_distance",
    "frechet_from_statistics",
    "kernel_distance",
    "prd",
    "sliced_wasserstein",
    "wasserstein",
]
