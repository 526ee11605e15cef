"""Densities that are not those of the samples."""

import math

import pytest
import torch
from torch import nn

from aezoo.api import LatentPrior
from aezoo.functional.divergences import standard_normal_log_prob
from aezoo.testing import BrokenRule, check_component, densities, rules
from aezoo.testing.plain import PlainPrior
from tests.rules import Good, each_breaks


class Normal(Good):
    """N(0, scale^2), right; the ones below are wrong in one thing each."""

    def log_prob(self, z):
        return standard_normal_log_prob(z / self.scale) - z.shape[1] * math.log(self.scale)


class Thrice(Normal):
    def log_prob(self, z):
        return 3 * super().log_prob(z)


class Unnormalised(Normal):
    """The density itself three times too large."""

    def log_prob(self, z):
        return super().log_prob(z) + math.log(3)


class Averaged(Normal):
    def log_prob(self, z):
        return super().log_prob(z) / z.shape[1]


class Constantless(Normal):
    def log_prob(self, z):
        return -z.square().sum(1) / 2


class Shifted(Normal):
    """Normalised, and of another place."""

    def log_prob(self, z):
        return super().log_prob(z - 0.2)


class OneMode(LatentPrior):
    """Samples of one of two modes that the density has."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def sample(self, n, generator):
        return 4 + torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    def log_prob(self, z):
        modes = torch.stack([standard_normal_log_prob(z - 4), standard_normal_log_prob(z + 4)])
        return modes.logsumexp(0) - math.log(2)


class Stretch(LatentPrior):
    """A learned diagonal map; at its first weights the determinant is 1."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.log_scale = nn.Parameter(torch.zeros(latent_dim))

    def sample(self, n, generator):
        u = torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
        return u * self.log_scale.exp()

    def log_prob(self, z):
        return standard_normal_log_prob(z * (-self.log_scale).exp()) - self.log_scale.sum()


class Undetermined(Stretch):
    """Without the determinant; what likelihood then does, no sample shows at the first weights."""

    def log_prob(self, z):
        return super().log_prob(z) + self.log_scale.sum()


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    densities,
    ("agreement", "prior", Thrice),
    ("agreement", "prior", Unnormalised),
    ("agreement", "prior", Averaged),
    ("agreement", "prior", Constantless),
    ("agreement", "prior", Shifted),
    ("agreement", "prior", OneMode),
    ("agreement", "prior", Undetermined),
)


def test_a_density_three_times_too_large_breaks_this_rule_alone():
    for rule in rules("prior"):
        if rule != "agreement":
            check_component("prior", Unnormalised, rule=rule)
    with pytest.raises(BrokenRule, match=r"log_prob expects (2\.9|3)\d* times as many samples"):
        check_component("prior", Unnormalised, rule="agreement")


class Laplace(Good):
    def sample(self, n, generator):
        u = torch.rand(2, n, self.latent_dim, generator=generator, device=generator.device)
        one, other = -torch.log1p(-u)
        return self.scale * (one - other)

    def log_prob(self, z):
        return -(z.abs() / self.scale + math.log(2 * self.scale)).sum(1)


class Cube(Good):
    """An edge within the balls, beyond which the density is 0."""

    def sample(self, n, generator):
        u = torch.rand(n, self.latent_dim, generator=generator, device=generator.device)
        return self.scale * (2 * u - 1)

    def log_prob(self, z):
        inside = (z.abs() <= self.scale).all(1)
        return torch.where(inside, -z.shape[1] * math.log(2 * self.scale), -torch.inf)


class Cauchy(Good):
    """Tails without a mean."""

    def sample(self, n, generator):
        u = torch.rand(n, self.latent_dim, generator=generator, device=generator.device)
        return self.scale * torch.tan(math.pi * (u.double() - 0.5)).float()

    def log_prob(self, z):
        return -(math.pi * self.scale * (1 + (z / self.scale).square())).log().sum(1)


@pytest.mark.parametrize("part", [Normal, Laplace, Cube, Cauchy])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_a_right_density_passes(part, scale):
    check_component("prior", part, rule="agreement", scale=scale)


@pytest.mark.parametrize("part", [Stretch, PlainPrior])
def test_a_learned_and_a_plain_density_pass(part):
    check_component("prior", part)


class Circle(Good):
    """A density on the sphere, by its area: in the space around it there is none."""

    def sample(self, n, generator):
        z = super().sample(n, generator)
        return z / z.norm(dim=1, keepdim=True)

    def log_prob(self, z):
        m = z.shape[1]
        return torch.full((len(z),), math.lgamma(m / 2) - math.log(2 * math.pi ** (m / 2)))


class Corners(Good):
    """Probabilities of a few points."""

    def sample(self, n, generator):
        return super().sample(n, generator).sign()

    def log_prob(self, z):
        return torch.full((len(z),), -z.shape[1] * math.log(2))


@pytest.mark.parametrize(("part", "why"), [(Circle, "fewer than 2 dimensions"), (Corners, "a few points")])
def test_densities_of_another_measure_are_skipped_with_the_reason(part, why):
    rule = densities.agreement
    from aezoo.testing.rule import NotApplicable
    from aezoo.testing.specimen import Specimen, name_of

    with pytest.raises(NotApplicable, match=why):
        rule.check(Specimen("prior", name_of(part)))


def test_hardly_any_right_density_fails_by_chance(monkeypatch):
    """Over 25 seeds of a normal, none is more than 5 standard errors off: 6 are allowed."""
    prior, furthest = PlainPrior(latent_dim=2), 0.0
    draw = densities.generator
    for seed in range(25):
        monkeypatch.setattr(densities, "generator", lambda own, seed=seed: draw(100 * (seed + 1) + own))
        balls = densities._balls(prior)
        error = (balls.expected * (1 - balls.expected) / densities._SAMPLES + balls.off**2).sqrt()
        furthest = max(furthest, float(((balls.found - balls.expected) / error).abs().max()))
    assert 2.5 < furthest < 5
