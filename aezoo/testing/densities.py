"""Whether a density is that of the samples: how many fall into small balls, and how many it expects there.

A ball around a sample holds a hundredth of the prior's mass. If `log_prob` is the density of `sample`, the
share of fresh samples in the ball is its integral over the ball, taken at random points. A right density
fails by chance less than once in a million: each of the 40 balls, and all together, may be 6 standard errors
off. All draws are seeded: a part that passes does so every time. What is found: a factor of 1.1 everywhere,
or of 1.4 around any of the balls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.parts.interfaces import FittedPrior, HasDensity, LatentPrior
from aezoo.testing.rule import Fault, NotApplicable, rule
from aezoo.testing.specimen import Specimen, generator

_DIMENSION = 2  # where a ball that holds enough samples is small
_MOST = 4  # dimensions, of a prior that has no other choice
_BALLS, _SAMPLES, _POINTS = 40, 40_000, 1_000
_SHARE = 0.01  # of the samples in a ball
_ERRORS = 6.0  # two-sided 2e-9 of a normal variable


@rule(
    "agreement",
    "prior",
    method="log_prob",
    fix="let log_prob be the normalised density of what `sample` draws: summed over dimensions, in nats, "
    "with every constant and log-determinant",
)
def agreement(specimen: Specimen) -> None:
    """log_prob is the density of the prior's own samples."""
    prior = _flat(specimen)
    if not isinstance(prior, HasDensity):
        raise NotApplicable("it has no log_prob")
    _learn(prior)
    balls = _balls(prior)
    _compare(balls)


@dataclass(frozen=True)
class _Balls:
    """Some places: what samples say of them, and what the density says.

    centres:   [J, m]
    found:     share of the samples in each, [J]
    expected:  integral of the density over each, [J]; with its standard error `off`
    spread:    variance of the number of balls that a sample lies in
    """

    centres: Tensor
    found: Tensor
    expected: Tensor
    off: Tensor
    spread: float


def _flat(specimen: Specimen) -> LatentPrior:
    """The prior in two dimensions, or in those of the specimen where it cannot have two."""
    try:
        return replace(specimen, latent_dim=_DIMENSION).fit_prior()
    except ConfigError:
        if specimen.latent_dim > _MOST:
            raise NotApplicable(f"in {specimen.latent_dim} dimensions samples are too far apart") from None
        return specimen.fit_prior()


def _learn(prior: LatentPrior) -> None:
    """A learned density away from its first weights, at which a missing log-determinant may be 0.

    A few steps of maximum likelihood on an arc, where `log_prob` has a gradient.
    """
    weights = [weight for weight in prior.parameters() if weight.requires_grad]
    if not weights or isinstance(prior, FittedPrior) or not isinstance(prior, HasDensity):
        return
    angle = torch.rand(256, generator=generator(11)) * math.pi
    arc = torch.stack([2 * angle.cos(), angle.sin()] + [0 * angle] * (prior.latent_dim - 2), dim=1)
    z = arc[:, : prior.latent_dim] + 0.2 * torch.randn(256, prior.latent_dim, generator=generator(12))
    optimizer = torch.optim.Adam(weights, lr=0.02)
    for _ in range(50):
        loss = -prior.log_prob(z).mean()
        if not loss.requires_grad or not bool(loss.isfinite()):
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def _balls(prior: LatentPrior) -> _Balls:
    assert isinstance(prior, HasDensity)
    others, samples = (prior.sample(_SAMPLES, generator(seed)).double() for seed in (1, 2))
    if not bool(samples.isfinite().all()):
        raise Fault("after some steps of maximum likelihood its samples are not finite")
    centres, others = others[:_BALLS], others[_BALLS:]
    m, near = centres.shape[1], int(_SHARE * len(others))
    distances = torch.cdist(centres, others)
    radius = distances.kthvalue(near, dim=1).values
    _check_dimension(distances, radius, near, m)
    within = torch.cdist(centres, samples) <= radius[:, None]  # [J, N]
    volume = math.pi ** (m / 2) / math.gamma(m / 2 + 1) * radius**m
    direction = torch.randn(_BALLS, _POINTS, m, generator=generator(3)).double()
    length = torch.rand(_BALLS, _POINTS, 1, generator=generator(4)).double() ** (1 / m)
    points = centres[:, None] + radius[:, None, None] * length * direction / direction.norm(
        dim=2, keepdim=True
    )
    density = prior.log_prob(points.reshape(-1, m).float()).double().exp().reshape(_BALLS, _POINTS)
    return _Balls(
        centres,
        within.double().mean(dim=1),
        volume * density.mean(dim=1),
        volume * density.std(dim=1) / math.sqrt(_POINTS),
        float(within.sum(dim=0).double().var()),
    )


def _check_dimension(distances: Tensor, radius: Tensor, near: int, m: int) -> None:
    """Samples on a sphere, a line or a grid have no density in m dimensions: theirs counts otherwise."""
    if float(radius.min()) == 0:
        raise NotApplicable("its samples are a few points over and over: their probabilities are no density")
    closer = (distances <= radius[:, None] / 2).double().sum(dim=1).mean()
    if math.log2(near / max(float(closer), 1.0)) < m - 0.75:
        raise NotApplicable(f"its samples fill fewer than {m} dimensions: its density is of another kind")


def _compare(balls: _Balls) -> None:
    """Raises Fault where shares differ by more than chance."""
    found, expected = balls.found, balls.expected
    error = (expected * (1 - expected).clamp(min=0) / _SAMPLES + balls.off**2).sqrt()
    apart = (found - expected).abs() / error.clamp(min=1e-12)
    whole = math.sqrt(balls.spread / _SAMPLES + float((balls.off**2).sum()))
    together = abs(float(found.sum() - expected.sum())) / max(whole, 1e-12)
    worst = int(apart.nan_to_num(nan=torch.inf).argmax())
    if not (float(apart[worst]) <= _ERRORS and together <= _ERRORS):
        place = ", ".join(f"{value:.2f}" for value in balls.centres[worst].tolist())
        ratio = float(expected.sum() / found.sum())
        raise Fault(
            f"log_prob expects {ratio:.3g} times as many samples as there are in {_BALLS} places: around "
            f"({place}) {float(expected[worst]):.2%} of them, where {float(found[worst]):.2%} are"
        )
