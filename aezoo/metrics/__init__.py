"""Measures of sets, reconstructions and codes: pure functions, a file each, generated first, real second.

They take numpy arrays or tensors and count in float64.
"""

from aezoo.metrics.neighbours import kth_distances, nearest_distances, nearest_neighbours

__all__ = [
    "kth_distances",
    "nearest_distances",
    "nearest_neighbours",
]
