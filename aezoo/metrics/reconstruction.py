"""How near reconstructions come to their images: squared error, PSNR, SSIM."""

from __future__ import annotations

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, features

PSNR_CAP = 100.0
"""dB, of a mean squared error of 1e-10: what a perfect reconstruction gets, so that means stay finite."""

_WINDOW, _SIGMA = 11, 1.5  # pixels
_C1, _C2 = 0.01**2, 0.03**2  # (K1 L)^2 and (K2 L)^2 with data range L = 1
_NUMBERS = 1 << 18  # of float64 in a block of images, 2 MB: a dozen such maps are alive at a time


def reconstruction(x: Features, x_hat: Features) -> dict[str, float]:
    """Means over the rows of what `reconstruction_rows` gives: sse, mse and, of images, psnr and ssim."""
    return {name: float(values.mean()) for name, values in reconstruction_rows(x, x_hat).items()}


def reconstruction_rows(x: Features, x_hat: Features) -> dict[str, Tensor]:
    """How near each reconstruction comes to its own image.

    sse:   sum of squared errors of a row, >= 0
    mse:   their mean over the row's values, >= 0
    psnr:  10 log10(1 / mse) of an image, dB, 100 at most: a perfect reconstruction has 100, not infinity
    ssim:  structural similarity of an image, mean over pixels and channels, in [-1, 1], 1 for equal images

    The PSNR of a set is the mean over its images, as the field reports it, and not that of its mean error.
    SSIM's window is gaussian, 11 x 11 with sigma 1.5, and stays inside the image; of smaller images it is
    the largest odd one that fits.

    Shapes:  x, x_hat [B, C, H, W] in [0, 1], or vectors [B, D] without psnr and ssim -> float64 [B] each
    Raises:  ConfigError for different shapes, NaN or infinity, no rows, image values outside [0, 1]
    Source:  SSIM: Wang et al. 2004, Image Quality Assessment: From Error Visibility to Structural
             Similarity, with its constants; channels one by one

    >>> rows = reconstruction_rows(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5))
    >>> {name: round(value.item(), 3) for name, value in rows.items()}
    {'sse': 1.0, 'mse': 0.25, 'psnr': 6.021, 'ssim': 0.0}
    """
    x, x_hat = _check(x, "x"), _check(x_hat, "x_hat")
    if x.shape != x_hat.shape:
        raise ConfigError(
            f"x has the shape {tuple(x.shape)} and x_hat {tuple(x_hat.shape)}",
            where="x, x_hat",
            fix="give each row's own reconstruction",
        )
    size = max(1, _NUMBERS // x[0].numel())
    blocks = [
        _measures(one.double(), other.double())
        for one, other in zip(x.split(size), x_hat.split(size), strict=True)
    ]
    return {name: torch.cat([block[name] for block in blocks]) for name in blocks[0]}


def _measures(x: Tensor, x_hat: Tensor) -> dict[str, Tensor]:
    error = (x - x_hat).square().flatten(1)
    found = {"sse": error.sum(dim=1), "mse": error.mean(dim=1)}
    if x.dim() == 4:
        found["psnr"] = -10.0 * torch.log10(found["mse"].clamp(min=10.0 ** (-PSNR_CAP / 10.0)))
        found["ssim"] = _ssim(x, x_hat)
    return found


def _ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity of each pair of images: [B, C, H, W] -> [B]."""
    size = min(_WINDOW, (min(x.shape[-2:]) + 1) // 2 * 2 - 1)
    rows, columns = (_band(length, size, x) for length in x.shape[-2:])

    def blur(image: Tensor) -> Tensor:
        return rows @ image @ columns.T

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    light = (2.0 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2.0 * covariance + _C2) / (var_x + var_y + _C2)
    return (light * structure).mean(dim=(1, 2, 3))


def _band(length: int, size: int, like: Tensor) -> Tensor:
    """The gaussian window at each place where it fits, as a matrix [length - size + 1, length]."""
    place = torch.arange(size, dtype=like.dtype, device=like.device) - size // 2
    window = torch.exp(-0.5 * (place / _SIGMA) ** 2)
    band = like.new_zeros(length - size + 1, length)
    for row, values in enumerate(band):
        values[row : row + size] = window / window.sum()
    return band


def _check(values: Features, name: str) -> Tensor:
    found = torch.as_tensor(values)
    flat = features(found, name, rows=1)
    if found.dim() == 4:
        low, high = (float(end) for end in torch.aminmax(flat))
        if low < -1e-4 or high > 1.0 + 1e-4:  # what float16 makes of 0 and 1 is inside
            raise ConfigError(
                f"{name} reaches from {low:g} to {high:g}, and images lie in [0, 1]",
                where=name,
                fix="divide 8-bit values by 255; clip what a decoder without bounds gives",
            )
    return flat.reshape(found.shape)
