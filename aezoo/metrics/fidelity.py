"""torch-fidelity's measures of features that are already there: the engine wherever Inception made them.

The one place, beside the Inception extractor, that imports it, and on use, as it takes as long as torch.
Generated first, real second. Features go in as float64, because it takes means in the type it is given.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aezoo.errors import AezooError, ConfigError, MissingError
from aezoo.metrics.features import Features, at_least, features, finite, pair
from aezoo.metrics.kernel import check_subsets

SEED = 2020  # torch-fidelity's own, so that values equal those of its command line


def fid(a: Features, b: Features) -> float:
    """Frechet distance by the eigenvalues of the product of covariances.

    Shapes:  a [N, d], b [M, d], N and M at least 2
    Range:   >= 0 up to rounding, which is not cut off: sets of fewer rows than columns can give -1e-5
    Raises:  ConfigError as the native measures do; AezooError where torch-fidelity gives up
    Source:  Heusel et al. 2017 (arXiv:1706.08500); torch-fidelity
    """
    first, second = (_statistics(rows) for rows in _doubles(a, b))
    found = _call("metric_fid", "fid_statistics_to_metric", first, second, verbose=False)
    return finite(found["frechet_inception_distance"], "torch-fidelity's FID")


def kid(
    a: Features, b: Features, *, subsets: int = 100, subset_size: int = 1000, seed: int = SEED
) -> tuple[float, float]:
    """Kernel distance with the cubic kernel: mean and spread over random subsets.

    Shapes:  a [N, d], b [M, d], N and M at least subset_size
    Range:   negative as often as not where the sets are of one law
    Raises:  ConfigError as the native measures do; AezooError where torch-fidelity gives up
    Source:  Binkowski et al. 2018 (arXiv:1801.01401); torch-fidelity
    """
    fake, real = _doubles(a, b)
    check_subsets(fake, real, subsets, subset_size)
    found = _call(
        "metric_kid",
        "kid_features_to_metric",
        fake,
        real,
        kid_subsets=subsets,
        kid_subset_size=subset_size,
        rng_seed=seed,
        verbose=False,
    )
    mean = finite(found["kernel_inception_distance_mean"], "torch-fidelity's KID")
    return mean, found["kernel_inception_distance_std"]


def inception_score(logits: Features, *, splits: int = 10, seed: int = SEED) -> tuple[float, float]:
    """exp of the mean divergence of the labels' posterior from their mean: mean and spread over splits.

    It says how sure and how varied a classifier is, of generated images alone, and means nothing for images
    unlike those that the classifier knows.

    Shapes:  logits [N, classes], before the softmax; N at least `splits`
    Range:   [1, classes]
    Raises:  ConfigError for fewer rows than splits, NaN, infinity
    Source:  Salimans et al. 2016 (arXiv:1606.03498); torch-fidelity
    """
    rows = features(logits, "logits", rows=at_least(splits, 1, "splits")).double().cpu()
    found = _call("metric_isc", "isc_features_to_metric", rows, splits, True, seed)
    return finite(found["inception_score_mean"], "the inception score"), found["inception_score_std"]


def precision_recall(a: Features, b: Features, k: int = 3) -> tuple[float, float]:
    """Share of a within the k-nearest-neighbour balls of b, and of b within those of a; `<=`.

    Shapes:  a [N, d], b [M, d], N and M above k
    Range:   [0, 1] each
    Raises:  ConfigError for no more than k rows, as the native measures do
    Source:  Kynkaanniemi et al. 2019 (arXiv:1904.06991); torch-fidelity
    """
    fake, real = _doubles(a, b, rows=at_least(k, 1, "k") + 1)
    found = _call(
        "metric_prc",
        "prc_features_to_metric",
        fake,
        real,
        prc_neighborhood=k,
        prc_batch_size=1000,  # rows of distances held at a time
        save_cpu_ram=True,
        verbose=False,
    )
    return found["precision"], found["recall"]


def version() -> str:
    """What to write beside a value."""
    return f"torch-fidelity {_module('version').__version__}"


def _statistics(rows: Tensor) -> dict[str, np.ndarray]:
    found = _call("metric_fid", "fid_features_to_statistics", rows)
    # numpy's covariance of one column is a number, which torch-fidelity refuses further on
    return {"mu": found["mu"], "sigma": np.atleast_2d(found["sigma"])}


def _doubles(a: Features, b: Features, *, rows: int = 2) -> tuple[Tensor, Tensor]:
    fake, real = (one.double().cpu() for one in pair(a, b, rows=rows))
    for one in (fake, real):  # it would compare infinite distances, and say that all is well
        finite(float(torch.linalg.vector_norm(one)), "the distance")
    return fake, real


def _call(module: str, name: str, *values: Any, **settings: Any) -> dict[str, Any]:
    """One of torch-fidelity's functions, its faults said as ours."""
    function: Callable[..., dict[str, Any]] = getattr(_module(module), name)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # callers look at the result
            return function(*values, **settings)
    except ValueError as error:  # numpy.linalg.LinAlgError is one
        raise ConfigError(
            f"torch-fidelity refuses: {error}", where=name, fix="see its words above"
        ) from error
    except (AssertionError, RuntimeError) as error:
        raise AezooError(
            f"torch-fidelity's {name} failed: {error or type(error).__name__}",
            where=", ".join(str(tuple(value.shape)) for value in values if isinstance(value, Tensor)),
            fix="check that both sets come from one extractor",
        ) from error


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"torch_fidelity.{name}")
    except ModuleNotFoundError as error:
        raise MissingError(
            f"torch-fidelity cannot be imported: {error}", where="metrics", fix="pip install torch-fidelity"
        ) from error
