"""N(0, I)."""

import pytest
import torch

from aezoo.api import ConfigError, Posterior
from aezoo_priors.normal import Normal
from tests.draws import seeded
from tests.plugins.aezoo_priors.plane import mass


def test_the_normal_priors_density_integrates_to_one():
    assert mass(Normal(latent_dim=2)) == pytest.approx(1.0, abs=1e-3)


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
