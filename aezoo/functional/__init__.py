"""The mathematics, once: pure functions of tensors. No parameters, settings, devices or logging."""

from aezoo.functional.directions import Principal, mean_difference, principal_components
from aezoo.functional.divergences import (
    diagonal_normal_log_prob,
    kl_to_standard_normal,
    standard_normal_log_prob,
)
from aezoo.functional.interpolation import interpolate, linear_path, spherical_path
from aezoo.functional.penalties import gradient_penalty
from aezoo.functional.reconstruction import (
    absolute_error,
    binary_cross_entropy,
    gaussian_nll,
    squared_error,
)

__all__ = [
    "Principal",
    "absolute_error",
    "binary_cross_entropy",
    "diagonal_normal_log_prob",
    "gaussian_nll",
    "gradient_penalty",
    "interpolate",
    "kl_to_standard_normal",
    "linear_path",
    "mean_difference",
    "principal_components",
    "spherical_path",
    "squared_error",
    "standard_normal_log_prob",
]
