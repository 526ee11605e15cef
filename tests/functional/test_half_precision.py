"""Under autocast networks answer in bfloat16, of 8 bits: what is summed or logged must be float32 before."""

import pytest
import torch
from torch import nn

from aezoo.api import (
    absolute_error,
    diagonal_normal_log_prob,
    gaussian_nll,
    gradient_penalty,
    kl_to_standard_normal,
    squared_error,
    standard_normal_log_prob,
)
from aezoo_encoders.gaussian import Gaussian
from aezoo_priors.gmm import GMM
from aezoo_priors.mixture import Mixture
from aezoo_regularizers.interp import Interp
from aezoo_regularizers.l2_code import L2Code
from aezoo_regularizers.wgan import WGAN
from tests.toyparts import Learned, M, autoencoder, seeded, step_of

B, DIMS = 32, 64


def half(seed, scale=1.0):
    return (scale * torch.randn(B, DIMS, generator=torch.Generator().manual_seed(seed))).bfloat16()


def fitted_mixture(covariance):
    prior = GMM(latent_dim=DIMS, components=2, covariance=covariance)
    prior.means.copy_(half(5)[:2].float())
    prior.fitted.fill_(True)
    return prior


SUMS = {
    "kl": lambda mean, log_var, z: kl_to_standard_normal(mean, log_var),
    "posterior": lambda mean, log_var, z: diagonal_normal_log_prob(z, mean, log_var),
    "prior": lambda mean, log_var, z: standard_normal_log_prob(z),
    "squares": lambda mean, log_var, z: squared_error(z, mean),
    "absolutes": lambda mean, log_var, z: absolute_error(z, mean),
    "gaussian": lambda mean, log_var, z: gaussian_nll(z, mean, torch.tensor(-0.5)),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_over_dimensions_of_bfloat16_are_those_of_float64(name):
    values = half(0), half(1), half(2)
    with torch.autocast("cpu", torch.bfloat16):
        found = SUMS[name](*values)
    assert found.dtype == torch.float32
    torch.testing.assert_close(
        found.double(), SUMS[name](*(v.double() for v in values)), rtol=1e-6, atol=1e-5
    )


@pytest.mark.parametrize(
    "prior",
    [fitted_mixture("full"), fitted_mixture("diag"), Mixture(latent_dim=DIMS)],
    ids=["full", "diag", "preset"],
)
def test_densities_of_bfloat16_codes_are_those_of_float64(prior):
    z = half(0)
    with torch.autocast("cpu", torch.bfloat16):
        found = prior.log_prob(z)
    torch.testing.assert_close(found.double(), prior.double().log_prob(z.double()), rtol=1e-6, atol=1e-4)


class Flat(nn.Module):
    """A backbone of one layer."""

    features = 128

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(DIMS, self.features)

    def encoder(self, shape):
        return self

    def forward(self, x):
        return self.layer(x)


def test_the_gaussian_encoders_log_q_is_that_of_its_own_code_under_autocast():
    encoder = seeded(lambda: Gaussian(Flat(), (DIMS,), DIMS))
    x = 3.0 * half(3).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(x, torch.Generator().manual_seed(0))
    exact = diagonal_normal_log_prob(found.z.double(), found.mean.double(), found.log_var.double())
    torch.testing.assert_close(found.log_q.double(), exact, rtol=0, atol=1e-3)


def critic_answers(critic, seen):
    return critic.register_forward_hook(lambda part, x, y: seen.append(y.detach().double()))


@pytest.mark.parametrize(
    "make", [lambda: WGAN(M, hidden=(16,)), lambda: Interp((4,))], ids=["wgan", "interp"]
)
def test_the_logged_gap_is_that_of_the_critics_own_answers(make):
    part, seen = seeded(make), []
    last = [layer for layer in part.critic.modules() if isinstance(layer, nn.Linear)][-1]
    nn.init.constant_(last.bias, 100.0)  # the gap is small beside the critic's level
    model = autoencoder(part, prior=seeded(Learned))
    step, hook = step_of(model), critic_answers(part.critic, seen)
    (name,) = [phase.name for phase in part.phases(model) if phase.role == "critic"]
    with step.in_phase(name, 1), torch.autocast("cpu", torch.bfloat16):
        terms = part.critic_loss(step)
    hook.remove()
    low, high = seen[0].chunk(2)
    assert seen[0].dtype == torch.float64 and terms["gap"].dtype == torch.float32
    assert terms["gap"].item() == pytest.approx((low.mean() - high.mean()).item(), abs=1e-4)


@pytest.mark.parametrize("reduction", ["mean", "half-sum"])
def test_the_squared_code_is_summed_in_float32(reduction):
    z = half(4)
    step = type("Made", (), {"z": z, "number": 0})()
    expected = z.double().square().mean(1) if reduction == "mean" else 0.5 * z.double().square().sum(1)
    found = L2Code(weight=1.0, reduction=reduction).terms(step)["l2_code"]
    assert found.item() == pytest.approx(expected.mean().item(), rel=1e-6)


def test_the_penalty_of_bfloat16_samples_is_that_of_float64():
    w, alpha = half(6)[0], torch.rand(B, generator=torch.Generator().manual_seed(0))
    found = gradient_penalty(lambda x: x @ w.to(x.dtype), half(0), half(1), alpha)
    expected = (w.double().norm() - 1.0).square()
    torch.testing.assert_close(found.double(), expected.expand(B), rtol=1e-5, atol=0.0)


def test_float64_stays_float64():
    z = half(0).double()
    assert standard_normal_log_prob(z).dtype == kl_to_standard_normal(z, z).dtype == torch.float64
