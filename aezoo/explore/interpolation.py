"""Paths between two test images, through the space of codes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.explore.codes import check_steps, choose, decode, read
from aezoo.functional.interpolation import linear_path, spherical_path
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data

PATHS = {"linear": linear_path, "spherical": spherical_path}


@dataclass(frozen=True)
class Interpolation:
    """Paths between pairs of images.

    x_hat:  decoded codes [N, K, *shape]; the first and the last ones are reconstructions
    codes:  along the paths [N, K, m]
    x:      the images [N, 2, *shape]
    rows:   numbers of both images in the test split, int64 [N, 2]
    """

    x_hat: Tensor
    codes: Tensor
    x: Tensor
    rows: Tensor


def interpolate(
    model: Autoencoder, data: Data, *, n: int = 8, steps: int = 11, mode: str = "linear", seed: int = 0
) -> Interpolation:
    """Between n pairs of test images, all different, chosen by the seed.

    mode:  `linear`, or `spherical`: along the great circle of the codes' directions

    Raises:  ConfigError for an unknown mode, fewer than two steps, or fewer than 2 n images
    """
    check_steps(steps)
    if mode not in PATHS:
        raise ConfigError(
            f"no path is called '{mode}'", where="--mode", fix=f"choose one of {', '.join(PATHS)}"
        )
    most = len(data.test) // 2
    if not 1 <= n <= most:
        raise ConfigError(
            f"{n} pairs of test images cannot be made: there are {most}",
            where="-n",
            fix=f"ask for 1 to {most}",
        )
    rows = choose(len(data.test), 2 * n, seed, "interpolate", "test images").view(n, 2)
    x = read(data, data.test, rows.flatten()).unflatten(0, (n, 2)).to(model.device)
    a, b = (model.encode(x[:, end]).z for end in (0, 1))
    codes = PATHS[mode](a, b, steps)
    return Interpolation(decode(model, codes), codes, x, rows)
