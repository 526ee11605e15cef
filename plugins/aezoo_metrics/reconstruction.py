"""Errors of each reconstruction: squared error, peak signal to noise, structural similarity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor

from aezoo.api import Measure, PairMetric, metrics


@final
class Reconstruction(PairMetric):
    """Each x against its own x_hat."""

    measures = {
        "sse": Measure("lower", "squared error summed over a row, >= 0; mean over rows"),
        "mse": Measure("lower", "squared error per dimension, >= 0"),
        "psnr": Measure("higher", "peak signal to noise of an image, dB"),
        "ssim": Measure("higher", "structural similarity of an image, at most 1 (Wang et al. 2004)"),
    }
    quick = True

    def compare(self, x: Tensor, x_hat: Tensor) -> Mapping[str, Tensor]:
        """All four of images, cut to the range as a file would; the first two of vectors."""
        found: Mapping[str, Tensor] = metrics.reconstruction_rows(
            x, x_hat.clamp(0, 1) if x.dim() == 4 else x_hat
        )
        return found
