"""The Gaussian divergence: which of its two ways, and in which unit."""

import math
from types import SimpleNamespace

import pytest
import torch

from aezoo.api import ConfigError, Posterior, Ramp
from aezoo.errors import PartError
from aezoo_priors.gmm import GMM
from aezoo_priors.mixture import Mixture
from aezoo_priors.normal import Normal
from aezoo_priors.pgen import PGen
from aezoo_regularizers.kl import KL
from tests.toyparts import Lines, M, autoencoder, only, seeded

BLANK = torch.zeros(2, 2)
POINT = Posterior(z=BLANK)
DRAWN = Posterior(z=BLANK, log_q=torch.zeros(2))
GAUSSIAN = Posterior(z=BLANK, mean=BLANK, log_var=BLANK, log_q=torch.zeros(2))


def step(posterior, prior, number=0):
    notes = {}
    return SimpleNamespace(
        z=posterior.z,
        posterior=posterior,
        model=SimpleNamespace(prior_in_force=prior),
        number=number,
        generator=torch.Generator().manual_seed(0),
        note=notes.__setitem__,
        notes=notes,
    )


def value(posterior, prior):
    (term,) = KL().terms(step(posterior, prior)).values()
    return term.item()


def test_kl_takes_the_closed_form_where_there_is_one():
    mean, log_var = torch.ones(1, 1), torch.tensor([[0.25]]).log()
    far = Posterior(z=torch.full((1, 1), 9.0), mean=mean, log_var=log_var, log_q=torch.full((1,), 9.0))
    assert value(far, Normal(latent_dim=1)) == pytest.approx(0.8181, abs=5e-5)


def test_kl_else_compares_the_two_densities_at_the_sample():
    prior = Mixture(latent_dim=2, means=[[1.0, 1.0]])
    drawn = Posterior(z=torch.ones(4, 2), log_q=torch.full((4,), 0.5))
    assert value(drawn, prior) == pytest.approx(0.5 + 1.837877)  # log 2 pi


def test_both_ways_agree_on_average():
    draw = torch.Generator().manual_seed(0)
    mean, log_var = torch.full((100_000, 1), 1.0), torch.full((100_000, 1), -1.0)
    z = mean + torch.exp(0.5 * log_var) * torch.randn(100_000, 1, generator=draw)
    log_q = torch.distributions.Normal(1.0, torch.tensor(-0.5).exp()).log_prob(z).sum(dim=1)
    exact = value(Posterior(z=z, mean=mean, log_var=log_var, log_q=log_q), Normal(latent_dim=1))
    sampled = value(Posterior(z=z, log_q=log_q), Mixture(latent_dim=1, means=[[0.0]]))
    assert sampled == pytest.approx(exact, abs=0.02)


def test_kls_weight_may_be_a_ramp_and_the_note_stays_in_nats():
    posterior = Posterior(z=BLANK, mean=torch.ones(2, 2), log_var=BLANK)
    now = step(posterior, Normal(latent_dim=2), number=5)
    (term,) = KL(weight=Ramp(start=0.0, end=4.0, steps=10)).terms(now).values()
    assert term.item() == 2.0 and now.notes["kl_nats"].item() == 1.0


@pytest.mark.parametrize("prior", [Normal(latent_dim=2), Mixture(latent_dim=2)])
@pytest.mark.parametrize("probe", [GAUSSIAN, DRAWN])
def test_kl_accepts_parts_that_have_what_it_needs(prior, probe):
    KL().attach(SimpleNamespace(prior_in_force=prior, probe=probe))


@pytest.mark.parametrize("prior", [Normal(latent_dim=2), Mixture(latent_dim=2)])
def test_kl_refuses_an_encoder_without_density_at_assembly(prior):
    with pytest.raises(ConfigError, match="log_q"):
        KL().attach(SimpleNamespace(prior_in_force=prior, probe=POINT))


def test_kl_refuses_a_prior_without_density_at_assembly():
    with pytest.raises(ConfigError, match="PGen"):
        KL().attach(SimpleNamespace(prior_in_force=PGen(latent_dim=2), probe=GAUSSIAN))


def test_kl_never_asks_a_prior_that_was_not_fitted():
    with pytest.raises(ConfigError, match="not been fitted"):
        value(DRAWN, GMM(latent_dim=2))


class Halves(Lines):
    """N(1, 1/4) in each dimension, whatever x is."""

    def forward(self, x, generator=None):
        z = super().forward(x).z
        return Posterior(z=z, mean=0 * z + 1.0, log_var=0 * z - math.log(4.0))


def test_kl_is_summed_over_dimensions_weighted_and_logged_in_nats():
    model = autoencoder(KL(weight=3.0), encoder=seeded(Halves), prior=Normal(latent_dim=M))
    numbers = only(model, "batch autoencoder").iterate(record=True)
    assert numbers["autoencoder/kl_nats"] == pytest.approx(M * 0.8181, abs=1e-4)
    assert numbers["autoencoder/kl"] == pytest.approx(3 * M * 0.8181, abs=3e-4)


class Column(Mixture):
    """A density [B, 1], which would broadcast to [B, B]."""

    def log_prob(self, z):
        return super().log_prob(z)[:, None]


def test_a_density_that_would_broadcast_is_told_with_its_prior():
    with pytest.raises(PartError, match=r"Column\.log_prob gives a tensor of shape \(4, 1\)"):
        value(Posterior(z=torch.ones(4, 2), log_q=torch.zeros(4)), Column(latent_dim=2))
