"""A mixture fitted to codes."""

from types import SimpleNamespace

import pytest
import torch

from aezoo.api import ConfigError, Posterior
from aezoo.config.check import settings_of
from aezoo_priors.gmm import GMM
from tests.draws import seeded
from tests.plugins.aezoo_priors.plane import mass, moments


def fitted(prior, z, seed=0):
    prior.fit(Posterior(z=z), SimpleNamespace(generator=seeded(seed)))
    return prior


def two_clusters(n=2000):
    z = torch.randn(n, 2, generator=seeded(1))
    z[: n // 4] = 0.5 * z[: n // 4] + torch.tensor([6.0, -6.0])
    return z


both_ways = pytest.mark.parametrize("covariance", ["full", "diag"])


@both_ways
def test_a_fits_density_integrates_to_one(covariance):
    prior = fitted(GMM(latent_dim=2, components=2, covariance=covariance), two_clusters())
    assert mass(prior) == pytest.approx(1.0, abs=1e-3)


@both_ways
def test_a_fit_of_one_component_has_the_codes_moments(covariance):
    z = torch.randn(500, 3, generator=seeded()) @ torch.randn(3, 3, generator=seeded(1)) + 2.0
    prior = fitted(GMM(latent_dim=3, components=1, covariance=covariance), z)
    mean, cov = z.mean(dim=0), torch.cov(z.T, correction=0)
    torch.testing.assert_close(prior.means[0], mean, rtol=1e-4, atol=1e-4)
    if covariance == "full":
        torch.testing.assert_close(prior.cholesky[0] @ prior.cholesky[0].T, cov, rtol=1e-3, atol=1e-4)
    else:
        torch.testing.assert_close(prior.cholesky[0], cov.diagonal().sqrt(), rtol=1e-3, atol=1e-4)


@both_ways
def test_a_fit_recovers_a_known_mixture(covariance):
    prior = fitted(GMM(latent_dim=2, components=2, covariance=covariance), two_clusters())
    small = prior.weights.argmin()
    assert prior.weights[small].item() == pytest.approx(0.25, abs=0.01)
    torch.testing.assert_close(prior.means[small], torch.tensor([6.0, -6.0]), rtol=0, atol=0.1)
    torch.testing.assert_close(prior.means[1 - small], torch.zeros(2), rtol=0, atol=0.1)
    scale = prior.cholesky[small] if covariance == "diag" else prior.cholesky[small].diagonal()
    torch.testing.assert_close(scale, torch.full((2,), 0.5), rtol=0, atol=0.05)


@both_ways
def test_codes_of_a_fit_have_the_moments_of_the_training_codes(covariance):
    z = two_clusters() if covariance == "diag" else two_clusters() @ torch.tensor([[1.0, 0.8], [0.0, 0.5]])
    prior = fitted(GMM(latent_dim=2, components=2, covariance=covariance), z)
    mean, cov = moments(prior.sample(100_000, seeded()))
    expected_mean, expected_cov = moments(z)
    torch.testing.assert_close(mean, expected_mean, rtol=0, atol=0.05)
    torch.testing.assert_close(cov, expected_cov, rtol=0.03, atol=0.1)


@both_ways
def test_the_fits_density_is_the_librarys(covariance, monkeypatch):
    from sklearn.mixture import GaussianMixture

    z = two_clusters().numpy().astype("float64")
    reference = GaussianMixture(3, covariance_type=covariance, max_iter=500, random_state=0).fit(z)
    prior = GMM(latent_dim=2, components=3, covariance=covariance)
    monkeypatch.setattr(GaussianMixture, "fit", lambda *_: reference)
    fitted(prior, torch.from_numpy(z).float())
    expected = torch.from_numpy(reference.score_samples(z[:50])).float()
    torch.testing.assert_close(
        prior.log_prob(torch.from_numpy(z[:50]).float()), expected, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("call", [lambda p: p.sample(1, seeded()), lambda p: p.log_prob(torch.zeros(1, 2))])
def test_a_mixture_that_was_never_fitted_is_refused(call):
    with pytest.raises(ConfigError, match="not been fitted"):
        call(GMM(latent_dim=2))


def test_fewer_codes_than_components_are_refused():
    with pytest.raises(ConfigError) as fault:
        fitted(GMM(latent_dim=2, components=10), torch.zeros(4, 2))
    assert fault.value.where == "prior.components"


def test_a_fitted_mixture_reads_codes_alone_and_trains_beside_the_normal_prior():
    prior = GMM(latent_dim=2, **settings_of(GMM)().model_dump())
    assert prior.reads == ("z",) and prior.during == "normal" and not prior.fitted
    assert not list(prior.parameters())
