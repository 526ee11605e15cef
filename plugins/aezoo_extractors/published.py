"""What everybody knows by name on Inception's features: FID, KID, the inception score, precision and recall.

torch-fidelity computes them, so that they are the numbers that others report.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor

from aezoo.api import Measure, SetMetric, metrics

SUBSET = 1000  # rows, as torch-fidelity has it; smaller sets are taken whole


class _Known(SetMetric):
    """A measure that needs no `[extractor]`: there is one space that it is ever taken in."""

    bare = True

    @property
    def engine(self) -> str:  # type: ignore[override]  # asked when used: torch-fidelity is slow to import
        """torch-fidelity and its version."""
        return metrics.fidelity.version()


@final
class FID(_Known):
    """Heusel et al., NeurIPS 2017 (arXiv:1706.08500)."""

    measures = {"fid": Measure("lower", "Frechet Inception distance; compare at equal numbers of rows only")}
    quick = True
    spans = True

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """FID."""
        return {"fid": metrics.fidelity.fid(fake, real)}


@final
class KID(_Known):
    """Binkowski et al., ICLR 2018 (arXiv:1801.01401)."""

    measures = {"kid": Measure("lower", "kernel Inception distance; unbiased, so it may be below 0")}

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """The mean over 100 subsets, which torch-fidelity's own seed draws."""
        mean, _ = metrics.fidelity.kid(fake, real, subset_size=min(SUBSET, len(fake), len(real)))
        return {"kid": mean}


@final
class ISC(_Known):
    """The inception score. Salimans et al., NeurIPS 2016 (arXiv:1606.03498).

    classes:  weights of the last layer [1008, 2048], which turn features into logits
    """

    measures = {
        "isc": Measure("higher", "inception score, 1..1008; meaningless away from ImageNet's classes")
    }

    def __init__(self, classes: Tensor) -> None:
        self._classes = classes

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """Of the set alone."""
        logits = fake @ self._classes.to(fake.device).T
        mean, _ = metrics.fidelity.inception_score(logits, splits=min(10, len(fake)))
        return {"isc": mean}


@final
class PrecisionRecall(_Known):
    """Kynkaanniemi et al., NeurIPS 2019 (arXiv:1904.06991), with k = 3."""

    measures = {
        "precision": Measure("higher", "share of the set within the real data's neighbourhoods, 0..1"),
        "recall": Measure("higher", "share of the real data within the set's neighbourhoods, 0..1"),
    }

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """Both."""
        precision, recall = metrics.fidelity.precision_recall(fake, real)
        return {"precision": precision, "recall": recall}


@final
class Neighbours(SetMetric):
    """Density and coverage, which torch-fidelity does not have. Naeem et al. 2020 (arXiv:2002.09797)."""

    measures = {
        "density": Measure("higher", "real neighbourhoods that a row lies in, over k; about 1 is full"),
        "coverage": Measure(
            "higher", "share of real rows with a row of the set in their neighbourhood, 0..1"
        ),
    }

    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """Both, with k = 5."""
        density, coverage = metrics.density_coverage(fake, real, 5)
        return {"density": density, "coverage": coverage}
