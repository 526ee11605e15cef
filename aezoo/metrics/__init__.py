"""Measures of sets, reconstructions and codes: pure functions, a file each, generated first, real second.

They take numpy arrays or tensors and count in float64.
"""

from aezoo.metrics.codes import active_units, effective_rank, posterior_gap
from aezoo.metrics.likelihood import importance_nll
from aezoo.metrics.manifold import density_coverage, knn_precision_recall
from aezoo.metrics.memorization import authenticity, copies, memorization_columns, memorization_score
from aezoo.metrics.neighbours import kth_distances, nearest_distances, nearest_neighbours
from aezoo.metrics.probes import knn_probe, linear_probe
from aezoo.metrics.reconstruction import reconstruction, reconstruction_rows

__all__ = [
    "active_units",
    "authenticity",
    "copies",
    "density_coverage",
    "effective_rank",
    "importance_nll",
    "knn_precision_recall",
    "knn_probe",
    "kth_distances",
    "linear_probe",
    "memorization_columns",
    "memorization_score",
    "nearest_distances",
    "nearest_neighbours",
    "posterior_gap",
    "reconstruction",
    "reconstruction_rows",
]
