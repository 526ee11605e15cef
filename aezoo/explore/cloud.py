"""Codes of test rows and of the prior, in a plane."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from aezoo.explore.codes import choose, posterior_of
from aezoo.functional.directions import principal_components
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data
from aezoo.randomness import generator_for

POINTS = 2000  # of each kind, unless somebody asks for another number


@dataclass(frozen=True)
class Cloud:
    """Points of a plane.

    codes:      of test rows [N, 2]
    prior:      drawn from the prior [N, 2]
    labels:     classes of the test rows, int64 [N], where there are any
    rows:       their numbers in the test split, int64 [N]
    explained:  share of the codes' variance along each axis [2]; None: the space of codes is this plane
    """

    codes: Tensor
    prior: Tensor
    labels: Tensor | None
    rows: Tensor
    explained: Tensor | None


def latent(model: Autoencoder, data: Data, *, n: int | None = None, seed: int = 0) -> Cloud:
    """Codes of n test rows and n codes from the prior, on the principal components of the former.

    n:  None: as many as there are, 2000 at most

    Raises:  ConfigError for more than there are
    """
    count = min(POINTS, len(data.test)) if n is None else n
    rows = choose(len(data.test), count, seed, "latent", "test rows").sort().values
    z = posterior_of(model, data, data.test, rows=rows).z
    prior = model.sample_codes(count, generator_for(model.device, seed, "latent prior")).cpu()
    labels = None if data.test.labels is None else data.test.labels[rows]
    if model.latent_dim == 2:
        return Cloud(z, prior, labels, rows, None)
    found = principal_components(z)
    return Cloud(found.coordinates(z), found.coordinates(prior), labels, rows, found.explained)
