"""Measures of sets, reconstructions and codes: pure functions, a file each, generated first, real second.

They take numpy arrays or tensors and count in float64.
"""

from aezoo.metrics import fidelity
from aezoo.metrics.codes import active_units, effective_rank, posterior_gap
from aezoo.metrics.frechet import Statistics, frechet_distance, frechet_from_statistics
from aezoo.metrics.kernel import kernel_distance
from aezoo.metrics.likelihood import importance_nll
from aezoo.metrics.manifold import density_coverage, knn_precision, knn_precision_recall, knn_recall
from aezoo.metrics.memorization import (
    authenticity,
    copies,
    copying,
    exact_copies,
    memorization_columns,
    memorization_score,
    nearest_two,
)
from aezoo.metrics.neighbours import kth_distances, nearest_distances, nearest_neighbours
from aezoo.metrics.prd import PRD, prd
from aezoo.metrics.probes import knn_probe, linear_probe
from aezoo.metrics.reconstruction import reconstruction, reconstruction_rows
from aezoo.metrics.wasserstein import sliced_wasserstein, wasserstein

__all__ = [
    "PRD",
    "Statistics",
    "active_units",
    "authenticity",
    "copies",
    "copying",
    "density_coverage",
    "effective_rank",
    "exact_copies",
    "fidelity",
    "frechet_distance",
    "frechet_from_statistics",
    "importance_nll",
    "kernel_distance",
    "knn_precision",
    "knn_precision_recall",
    "knn_probe",
    "knn_recall",
    "kth_distances",
    "linear_probe",
    "memorization_columns",
    "memorization_score",
    "nearest_distances",
    "nearest_neighbours",
    "nearest_two",
    "posterior_gap",
    "prd",
    "reconstruction",
    "reconstruction_rows",
    "sliced_wasserstein",
    "wasserstein",
]
