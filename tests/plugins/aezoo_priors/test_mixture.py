"""Fixed mixtures: presets, moments, densities."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aezoo.api import ConfigError
from aezoo.config.check import settings_of
from aezoo_priors.mixture import Mixture
from aezoo_priors.normal import Normal
from tests.draws import seeded
from tests.plugins.aezoo_priors.plane import mass, moments

RING = {"latent_dim": 2, "preset": "ring"}
ORACLE = {"latent_dim": 2, "preset": "oracle"}
OWN = {"latent_dim": 2, "means": [[0.0, 0.0], [3.0, -1.0]], "variances": [0.5, 2.0], "weights": [3.0, 1.0]}


every_mixture = pytest.mark.parametrize("settings", [RING, ORACLE, OWN], ids=["ring", "oracle", "own"])


@every_mixture
def test_a_mixtures_density_integrates_to_one(settings):
    assert mass(Mixture(**settings)) == pytest.approx(1.0, abs=1e-3)


@every_mixture
def test_a_mixtures_sample_has_its_moments(settings):
    prior = Mixture(**settings)
    mean = prior.weights @ prior.means
    within = (prior.weights * prior.variances).sum() * torch.eye(2)
    between = (prior.weights[:, None] * prior.means).T @ prior.means - torch.outer(mean, mean)
    found_mean, found_cov = moments(prior.sample(200_000, seeded()))
    torch.testing.assert_close(found_mean, mean, rtol=0, atol=0.06)
    torch.testing.assert_close(found_cov, within + between, rtol=0.02, atol=0.15)


def test_a_mixture_of_one_is_the_normal_prior_draw_for_draw():
    one, normal = Mixture(latent_dim=3, means=[[0.0, 0.0, 0.0]]), Normal(latent_dim=3)
    z = one.sample(50, seeded(5))
    assert torch.equal(z, normal.sample(50, seeded(5)))
    torch.testing.assert_close(one.log_prob(z), normal.log_prob(z))


def test_the_oracle_is_the_mixture_behind_the_synthetic_data():
    prior = Mixture(**ORACLE)
    assert prior.means.tolist() == [[0, 0], [5, 5], [-5, 5], [5, -1.5], [-2, -7], [-4, -3]]
    assert prior.variances.tolist() == pytest.approx([1.0, 1.0, 0.5, 0.95, 0.5, 0.75])
    assert torch.equal(Mixture(latent_dim=5, preset="oracle").means[:, :2], prior.means)


def test_the_ring_is_normal_beyond_its_two_dimensions():
    ring, plane = Mixture(latent_dim=4, preset="ring"), Mixture(**RING)
    assert torch.allclose(ring.means.norm(dim=1), torch.full((6,), 5.0))
    z = torch.randn(20, 4, generator=seeded())
    expected = plane.log_prob(z[:, :2]) + Normal(latent_dim=2).log_prob(z[:, 2:])
    torch.testing.assert_close(ring.log_prob(z), expected)


def test_a_far_point_has_a_finite_log_density():
    assert Mixture(**RING).log_prob(torch.full((1, 2), 100.0)).isfinite()


def test_a_mixture_has_no_weights_to_train_and_saves_its_state():
    prior = Mixture(**OWN)
    assert not list(prior.parameters())
    assert set(prior.state_dict()) == {"means", "variances", "weights"}
    assert prior.weights.tolist() == [0.75, 0.25]


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"latent_dim": 1, "preset": "ring"}, "prior.preset"),
        ({"latent_dim": 3, "preset": "oracle"}, "prior.preset"),
        ({"latent_dim": 3, "means": [[0.0, 0.0]]}, "prior.means"),
        ({"latent_dim": 2, "means": [[0.0, 0.0]], "variances": [1.0, 1.0]}, "prior.variances"),
        ({"latent_dim": 2, "weights": [1.0, 1.0]}, "prior.weights"),
    ],
)
def test_a_mixture_that_does_not_fit_the_codes_is_refused(settings, where):
    with pytest.raises(ConfigError) as fault:
        Mixture(**settings)
    assert fault.value.where == where


@pytest.mark.parametrize(
    "wrong", [{"variances": [0.0]}, {"weights": [-1.0]}, {"means": []}, {"preset": "square"}]
)
def test_a_mixtures_settings_are_checked(wrong):
    with pytest.raises(ValidationError):
        settings_of(Mixture)(**wrong)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31 - 1))
def test_a_mixtures_log_density_takes_codes_in_any_order(seed):
    prior, z = Mixture(**OWN), torch.randn(6, 2, generator=seeded(seed))
    order = torch.randperm(6, generator=seeded(seed))
    torch.testing.assert_close(prior.log_prob(z[order]), prior.log_prob(z)[order])
