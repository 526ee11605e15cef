"""What the codes of a data set say of the latent space: units in use, dimensions in use, gap to the prior."""

from __future__ import annotations

from collections.abc import Callable

import torch

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, features, pair


def active_units(means: Features, threshold: float = 0.01) -> int:
    """How many latent units change with x: those whose posterior mean varies by more than the threshold.

    Codes of deterministic encoders count as they are; the threshold then means something only next to the
    scale of the codes.

    Shapes:  [N, m], a row per image
    Range:   0 ... m
    Raises:  ConfigError as `features`
    Source:  Burda et al. 2016 (arXiv:1509.00519), section 5.2, with its threshold of 0.01

    >>> active_units(torch.tensor([[0.0, 5.0, 0.1], [1.0, 5.0, 0.0]]))
    1
    """
    rows = features(means, "means").double()
    return int((rows.var(dim=0) > threshold).sum())


def effective_rank(codes: Features) -> float:
    """How many dimensions the codes spread over: exp of the entropy of their normalised singular values.

    Singular values are those of the centred codes, thus standard deviations along the principal axes and not
    variances, which would give smaller numbers.

    Shapes:  [N, m]
    Range:   1 ... min(N - 1, m); m when the covariance is a multiple of the identity
    Raises:  ConfigError as `features`, and for codes that are all the same
    Source:  Roy & Vetterli 2007, The effective rank: a measure of effective dimensionality

    >>> round(effective_rank(torch.tensor([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])), 9)
    1.0
    """
    rows = features(codes, "codes").double()
    if bool((rows == rows[0]).all()):
        raise ConfigError(
            f"the {len(rows)} codes are all the same, and span no dimension",
            where="codes",
            fix="train longer or with a smaller weight of the divergence: the encoder ignores its input",
        )
    values = torch.linalg.svdvals(rows - rows.mean(dim=0))
    share = values / values.sum()
    return float(torch.special.entr(share).sum().exp())


def posterior_gap(
    codes: Features, prior_a: Features, prior_b: Features, distance: Callable[[Features, Features], float]
) -> tuple[float, float]:
    """The distance of the aggregated posterior from the prior, and what it would be if they were equal.

    Two finite samples of one distribution are not at distance 0: the gap means something only next to the
    second number, the distance of two samples of the prior.

    distance:  of two sets [N, m], generated first, such as a sliced Wasserstein distance

    Shapes:  codes, prior_a, prior_b [N, m]: as many codes of images as samples of the prior
    Raises:  ConfigError as `pair`, and for sets of unequal size, whose numbers could not be compared
    """
    first, real = pair(prior_a, codes)
    second, _ = pair(prior_b, codes)
    if not len(first) == len(second) == len(real):
        raise ConfigError(
            f"there are {len(real)} codes, and {len(first)} and {len(second)} samples of the prior",
            where="codes, prior_a, prior_b",
            fix="give sets of equal size",
        )
    return distance(first, real), distance(first, second)
