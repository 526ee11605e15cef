import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aezoo.api import ConfigError, HasDensity, HasKL, Posterior
from aezoo.config.check import settings_of
from aezoo_priors.gmm import GMM
from aezoo_priors.mixture import Mixture
from aezoo_priors.normal import Normal
from aezoo_priors.pgen import PGen

RING = {"latent_dim": 2, "preset": "ring"}
ORACLE = {"latent_dim": 2, "preset": "oracle"}
OWN = {"latent_dim": 2, "means": [[0.0, 0.0], [3.0, -1.0]], "variances": [0.5, 2.0], "weights": [3.0, 1.0]}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def fitted(prior, z, seed=0):
    prior.fit(Posterior(z=z), SimpleNamespace(generator=seeded(seed)))
    return prior


def two_clusters(n=2000):
    z = torch.randn(n, 2, generator=seeded(1))
    z[: n // 4] = 0.5 * z[: n // 4] + torch.tensor([6.0, -6.0])
    return z


def moments(z):
    return z.mean(dim=0), torch.cov(z.T)


PRIORS = {
    "normal": lambda: Normal(latent_dim=2),
    "ring": lambda: Mixture(**RING),
    "oracle": lambda: Mixture(**ORACLE),
    "own": lambda: Mixture(**OWN),
    "pgen": lambda: PGen(latent_dim=2),
    "gmm": lambda: fitted(GMM(latent_dim=2, components=2), two_clusters()),
    "gmm-diag": lambda: fitted(GMM(latent_dim=2, components=2, covariance="diag"), two_clusters()),
}


@pytest.mark.parametrize("name", PRIORS)
def test_the_same_generator_gives_the_same_codes(name):
    prior = PRIORS[name]()
    first, again = prior.sample(7, seeded(3)), prior.sample(7, seeded(3))
    assert first.shape == (7, 2) and torch.equal(first, again)
    assert not torch.equal(first, prior.sample(7, seeded(4)))


@pytest.mark.parametrize("name", [name for name in PRIORS if name != "pgen"])
def test_a_density_integrates_to_one(name):
    side = torch.linspace(-14, 14, 561)
    log_prob = PRIORS[name]().log_prob(torch.cartesian_prod(side, side))
    mass = log_prob.exp().sum() * (side[1] - side[0]) ** 2
    assert mass.item() == pytest.approx(1.0, abs=1e-3)


# --- normal


def test_the_normal_priors_kl_is_the_closed_form():
    log_var = torch.tensor([[0.25]]).log()
    posterior = Posterior(z=torch.zeros(1, 1), mean=torch.ones(1, 1), log_var=log_var)
    assert Normal(latent_dim=1).kl(posterior, seeded()).item() == pytest.approx(0.8181, abs=5e-5)


def test_without_moments_the_normal_priors_kl_uses_the_sample():
    prior, z = Normal(latent_dim=2), torch.randn(3, 2)
    kl = prior.kl(Posterior(z=z, log_q=torch.ones(3)), seeded())
    torch.testing.assert_close(kl, 1.0 - prior.log_prob(z))


def test_a_point_posterior_has_no_kl():
    with pytest.raises(ConfigError, match="log_q"):
        Normal(latent_dim=2).kl(Posterior(z=torch.zeros(1, 2)), seeded())


# --- mixture


@pytest.mark.parametrize("settings", [RING, ORACLE, OWN], ids=["ring", "oracle", "own"])
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


# --- P-GEN

# By hand for m = 32: (32 + 1) a + (a + 1) a + ... + (a + 1) 32.
PARAMETERS = {
    "model-1": 33 * 16 + 17 * 16 + 17 * 32,
    "model-2": 33 * 64 + 65 * 64 + 65 * 32,
    "model-3": 33 * 256 + 257 * 256 + 257 * 32,
    "model-4": 33 * 1024 + 1025 * 1024 + 1025 * 32,
    "model-5": 33 * 1024 + 3 * 1025 * 1024 + 1025 * 32,
    "model-6": 33 * 2048 + 3 * 2049 * 2048 + 2049 * 32,
}


@pytest.mark.parametrize("capacity", PARAMETERS)
def test_pgens_capacities_have_the_papers_sizes(capacity):
    with torch.device("meta"):  # sizes without the numbers
        prior = PGen(latent_dim=32, hidden=settings_of(PGen)(hidden=capacity).hidden)
    assert sum(weight.numel() for weight in prior.parameters()) == PARAMETERS[capacity]


def test_model_1_has_1344_weights():
    assert PARAMETERS["model-1"] == 1344


def test_pgens_sample_is_the_networks_image_of_normal_noise():
    prior = PGen(latent_dim=3, noise_dim=2, hidden=[8])
    assert torch.equal(prior.sample(5, seeded(1)), prior.net(torch.randn(5, 2, generator=seeded(1))))


def test_gradients_flow_through_pgens_sample_to_every_weight():
    prior = PGen(latent_dim=4, hidden=[8, 8])
    prior.sample(16, seeded()).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in prior.parameters())


def test_pgen_starts_with_glorot_weights_and_zero_biases():
    prior = PGen(latent_dim=64, hidden=[512])
    first = prior.net[0]
    assert first.weight.std().item() == pytest.approx(math.sqrt(2 / (64 + 512)), rel=0.03)
    assert not first.bias.any()


def test_an_unknown_capacity_is_refused():
    with pytest.raises(ValidationError):
        settings_of(PGen)(hidden="model-7")


def test_pgen_knows_neither_density_nor_kl():
    assert not isinstance(PGen(latent_dim=2), HasDensity | HasKL)


# --- fitted mixture


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_a_fit_of_one_component_has_the_codes_moments(covariance):
    z = torch.randn(500, 3, generator=seeded()) @ torch.randn(3, 3, generator=seeded(1)) + 2.0
    prior = fitted(GMM(latent_dim=3, components=1, covariance=covariance), z)
    mean, cov = z.mean(dim=0), torch.cov(z.T, correction=0)
    torch.testing.assert_close(prior.means[0], mean, rtol=1e-4, atol=1e-4)
    if covariance == "full":
        torch.testing.assert_close(prior.cholesky[0] @ prior.cholesky[0].T, cov, rtol=1e-3, atol=1e-4)
    else:
        torch.testing.assert_close(prior.cholesky[0], cov.diagonal().sqrt(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_a_fit_recovers_a_known_mixture(covariance):
    prior = fitted(GMM(latent_dim=2, components=2, covariance=covariance), two_clusters())
    small = prior.weights.argmin()
    assert prior.weights[small].item() == pytest.approx(0.25, abs=0.01)
    torch.testing.assert_close(prior.means[small], torch.tensor([6.0, -6.0]), rtol=0, atol=0.1)
    torch.testing.assert_close(prior.means[1 - small], torch.zeros(2), rtol=0, atol=0.1)
    scale = prior.cholesky[small] if covariance == "diag" else prior.cholesky[small].diagonal()
    torch.testing.assert_close(scale, torch.full((2,), 0.5), rtol=0, atol=0.05)


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_codes_of_a_fit_have_the_moments_of_the_training_codes(covariance):
    z = two_clusters() if covariance == "diag" else two_clusters() @ torch.tensor([[1.0, 0.8], [0.0, 0.5]])
    prior = fitted(GMM(latent_dim=2, components=2, covariance=covariance), z)
    mean, cov = moments(prior.sample(100_000, seeded()))
    expected_mean, expected_cov = moments(z)
    torch.testing.assert_close(mean, expected_mean, rtol=0, atol=0.05)
    torch.testing.assert_close(cov, expected_cov, rtol=0.03, atol=0.1)


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_the_fits_density_is_the_librarys(covariance):
    from sklearn.mixture import GaussianMixture

    z = two_clusters().numpy().astype("float64")
    reference = GaussianMixture(3, covariance_type=covariance, max_iter=500, random_state=0).fit(z)
    prior = GMM(latent_dim=2, components=3, covariance=covariance)
    prior._expectation_maximisation = lambda z, seed: reference
    fitted(prior, torch.from_numpy(z).float())
    expected = torch.from_numpy(reference.score_samples(z[:50])).float()
    torch.testing.assert_close(
        prior.log_prob(torch.from_numpy(z[:50]).float()), expected, rtol=1e-3, atol=1e-3
    )


def test_a_fit_is_seeded_by_its_generator():
    first, again = (fitted(GMM(latent_dim=2, components=5), two_clusters(500), seed=3) for _ in range(2))
    assert all(torch.equal(first.state_dict()[key], again.state_dict()[key]) for key in first.state_dict())


@pytest.mark.parametrize("call", [lambda p: p.sample(1, seeded()), lambda p: p.log_prob(torch.zeros(1, 2))])
def test_a_mixture_that_was_never_fitted_is_refused(call):
    with pytest.raises(ConfigError, match="not been fitted"):
        call(GMM(latent_dim=2))


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_a_fits_state_goes_into_an_unfitted_prior(covariance):
    prior = fitted(GMM(latent_dim=2, components=2, covariance=covariance), two_clusters())
    fresh = GMM(latent_dim=2, components=2, covariance=covariance)
    shapes = {key: value.shape for key, value in fresh.state_dict().items()}
    assert shapes == {key: value.shape for key, value in prior.state_dict().items()}
    fresh.load_state_dict(prior.state_dict())
    assert fresh.fitted and torch.equal(fresh.sample(9, seeded()), prior.sample(9, seeded()))


def test_fewer_codes_than_components_are_refused():
    with pytest.raises(ConfigError) as fault:
        fitted(GMM(latent_dim=2, components=10), torch.zeros(4, 2))
    assert fault.value.where == "prior.components"


def test_a_fitted_mixture_reads_codes_alone_and_trains_beside_the_normal_prior():
    prior = GMM(latent_dim=2, **settings_of(GMM)().model_dump())
    assert prior.reads == ("z",) and prior.during == "normal" and not prior.fitted
    assert not list(prior.parameters())


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31 - 1))
def test_a_mixtures_log_density_takes_codes_in_any_order(seed):
    prior, z = Mixture(**OWN), torch.randn(6, 2, generator=seeded(seed))
    order = torch.randperm(6, generator=seeded(seed))
    torch.testing.assert_close(prior.log_prob(z[order]), prior.log_prob(z)[order])
