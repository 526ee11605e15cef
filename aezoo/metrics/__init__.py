"""Measures of sets, reconstructions and codes: pure functions, a file each, generated first, real second.

They take numpy arrays or tensors and count in float64.
"""

from aezoo.metrics.manifold import density_coverage, knn_precision_recall
from aezoo.metrics.memorization import authenticity, copies, memorization_columns, memorization_score
from aezoo.metrics.neighbours import kth_distances, nearest_distances, nearest_neighbours
from aezoo.metrics.reconstruction import reconstruction, reconstruction_rows

__all__ = [
    "authenticity",
    "copies",
    "density_coverage",
    "knn_precision_recall",
    "kth_distances",
    "memorization_columns",
    "memorization_score",
    "nearest_distances",
    "nearest_neighbours",
    "reconstruction",
    "reconstruction_rows",
]
