import math

import pytest
import torch
from torch import nn

from aezoo.api import Autoencoder, ConfigError, Decoder, Encoder, Posterior, diagonal_normal_log_prob
from aezoo.metrics.likelihood import importance_nll
from aezoo_priors.normal import Normal
from aezoo_priors.pgen import PGen
from aezoo_reconstructions.bce import BCE
from aezoo_reconstructions.gaussian import GaussianNLL
from aezoo_reconstructions.mse import MSE
from tests.draws import seeded
from tests.toyparts import Lines

D, M = 5, 2
GAMMA = 0.6
# orthogonal columns, so that the posterior's covariance is diagonal
W = torch.linalg.qr(torch.randn(D, M, generator=torch.Generator().manual_seed(3)))[0] * torch.tensor(
    [2.0, 0.5]
)
BIAS = torch.arange(D) / 10


class Linear(Decoder):
    """x_hat = W z + b."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(M, D)
        self.body.weight.data, self.body.bias.data = W.clone(), BIAS.clone()

    def forward(self, z):
        return self.body(z)


class Exact(Encoder):
    """The posterior of the linear model, shifted and widened on request; `coded` keeps its mean to itself."""

    def __init__(self, shift=0.0, widen=1.0, coded=False) -> None:
        super().__init__()
        self.latent_dim, self.shift, self.widen, self.coded = M, shift, widen, coded
        self.calls = 0

    def forward(self, x, generator=None):
        self.calls += 1
        variance = 1 / (1 + W.square().sum(dim=0).to(x) / GAMMA**2)
        mean = variance * ((x - BIAS.to(x)) @ W.to(x)) / GAMMA**2 + self.shift
        log_var = (variance * self.widen).log().expand_as(mean)
        noise = torch.zeros_like(mean)
        if generator is not None:
            noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
        z = mean + (0.5 * log_var).exp() * noise
        log_q = diagonal_normal_log_prob(z, mean, log_var)
        return Posterior(z, log_q=log_q) if self.coded else Posterior(z, mean, log_var, log_q)


def model(encoder=None, reconstruction=None, prior=None):
    made = Autoencoder(
        encoder or Exact(),
        Linear(),
        prior or Normal(latent_dim=M),
        shape=(D,),
        range=None,
        reconstruction=reconstruction or GaussianNLL(gamma=GAMMA),
    )
    return made.double()


def rows(count=4):
    return torch.randn(count, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def closed_form(x):
    """-log N(x; b, W W' + gamma^2 I)."""
    w = W.to(x)
    covariance = w @ w.T + GAMMA**2 * torch.eye(D).to(x)
    return -torch.distributions.MultivariateNormal(BIAS.to(x), covariance).log_prob(x)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("coded", [False, True])
def test_the_exact_posterior_gives_the_closed_form_without_variance(samples, coded):
    nll = importance_nll(model(Exact(coded=coded)), rows(), samples=samples, generator=seeded())
    torch.testing.assert_close(nll, closed_form(rows()), rtol=1e-6, atol=1e-6)  # gamma is float32


@pytest.mark.parametrize("coded", [False, True])
def test_an_inexact_posterior_converges(coded):
    off = model(Exact(shift=0.2, widen=1.5, coded=coded))
    nll = importance_nll(off, rows(), samples=20_000, generator=seeded())
    torch.testing.assert_close(nll, closed_form(rows()), rtol=0, atol=0.02)


def test_the_bound_tightens_with_more_samples():
    off, x = model(Exact(shift=0.4, widen=2.0)), rows(1).repeat(400, 1)
    one, ten, hundred = (
        importance_nll(off, x, samples=k, generator=seeded()).mean().item() for k in (1, 10, 100)
    )
    assert one > ten > hundred > closed_form(x)[0].item() - 0.01


def test_rows_beyond_one_pass_and_samples_beyond_one_pass_all_count():
    off = model(Exact(shift=0.1))
    many = importance_nll(off, rows(600), samples=700, generator=seeded())
    torch.testing.assert_close(many, closed_form(rows(600)), rtol=0, atol=0.3)


def test_the_generator_decides():
    off = model(Exact(shift=0.4))
    first, again, other = (
        importance_nll(off, rows(), samples=2, generator=seeded(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_one_pass_through_an_encoder_that_gives_a_normal_is_enough():
    made = model(encoder := Exact())
    encoder.calls = 0
    importance_nll(made, rows(), samples=2000, generator=seeded())
    assert encoder.calls == 1


def test_images_are_taken_in_evaluation_mode_and_the_mode_comes_back():
    made = model().train()
    nll = importance_nll(made, rows(), samples=1, generator=seeded())
    assert made.training and not nll.requires_grad


def test_float32_models_are_summed_in_float64():
    nll = importance_nll(model().float(), rows().float(), samples=100, generator=seeded())
    assert nll.dtype == torch.float64
    torch.testing.assert_close(nll, closed_form(rows()), rtol=1e-4, atol=1e-4)


def test_coins_have_a_probability():
    x_hat = torch.tensor([[0.25, 0.5, 0.9]])
    outcomes = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    found = BCE(range=(0.0, 1.0), weight=7.0).log_likelihood(outcomes, x_hat.expand(8, 3))
    assert found.exp().sum().item() == pytest.approx(1.0, rel=1e-6)
    assert found[0].exp().item() == pytest.approx(0.75 * 0.5 * 0.1, rel=1e-5)


def test_the_gaussian_likelihood_is_normalised():
    line = torch.linspace(-8, 8, 4001)[:, None]
    density = GaussianNLL(gamma=0.5).log_likelihood(line, torch.full_like(line, 0.3)).exp()
    assert torch.trapezoid(density, line[:, 0]).item() == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize(
    ("parts", "samples", "message"),
    [
        ({"reconstruction": MSE()}, 3, "no density of x"),
        ({"prior": PGen(latent_dim=M)}, 3, "prior has no density"),
        ({}, 0, "0 samples were asked for"),
    ],
)
def test_models_without_a_likelihood_are_refused(parts, samples, message):
    with pytest.raises(ConfigError, match=message):
        importance_nll(model(**parts), rows(), samples=samples, generator=seeded())


def test_an_encoder_without_a_density_is_refused():
    made = Autoencoder(
        Lines(), nn.Linear(M, 4), Normal(latent_dim=M), shape=(4,), range=None, reconstruction=GaussianNLL()
    )
    with pytest.raises(ConfigError, match="importance_nll needs log_q"):
        importance_nll(made, torch.zeros(2, 4), samples=3, generator=seeded())


def test_images_that_are_no_numbers_are_refused():
    x = rows()
    x[2] = math.nan
    with pytest.raises(ConfigError, match="row 2 is nan"):
        importance_nll(model(), x, samples=3, generator=seeded())
    with pytest.raises(ConfigError, match="x has no rows"):
        importance_nll(model(), rows()[:0], samples=3, generator=seeded())


# --- images whose values were rounded to levels

LEVEL = 1 / 255


class Nothing(nn.Module):
    """Decodes every code to one grey."""

    def forward(self, z):
        return torch.full((len(z), D), 0.5, dtype=z.dtype)


def levels_model(gamma):
    made = model(Exact(), GaussianNLL(gamma=gamma, floor=-20.0))
    made.decoder = Nothing()
    made.encoder = Exact(coded=True)
    made.encoder.forward = lambda x, generator=None: standard_codes(x, generator)
    return made


def standard_codes(x, generator):
    z = torch.randn(len(x), M, generator=generator, dtype=x.dtype)
    return Posterior(z, log_q=diagonal_normal_log_prob(z, torch.zeros_like(z), torch.zeros_like(z)))


@pytest.mark.parametrize("gamma", [0.002, 0.1])
def test_rounded_images_are_dequantised_to_the_closed_form(gamma):
    """E ((k + u) level - b)^2 = (k level - b)^2 + level^2 / 12; a probability is density times width."""
    x = (torch.tensor([127.0, 128.0, 127.0, 128.0, 127.0]) / 255).double().repeat(4000, 1)
    found = importance_nll(levels_model(gamma), x, samples=1, generator=seeded(), level=LEVEL)
    square = (x[0] - 0.5).square() + LEVEL**2 / 12
    expected = (square / (2 * gamma**2) + 0.5 * math.log(2 * math.pi * gamma**2) - math.log(LEVEL)).sum()
    assert found.mean().item() == pytest.approx(expected.item(), rel=0.01)
    normal = torch.distributions.Normal(torch.tensor(0.5).double(), gamma)
    exact = -(normal.cdf(x[0] + LEVEL / 2) - normal.cdf(x[0] - LEVEL / 2)).log().sum()
    assert found.mean().item() > exact.item() - 0.01 and exact > 0  # a bound of a probability


def test_a_density_that_grows_without_end_at_one_level_is_given_no_credit_for_it():
    """As of black borders: without noise its likelihood is whatever 1 / gamma is."""
    x = torch.full((50, D), 0.5).double()
    sharp, blunt = (
        importance_nll(levels_model(gamma), x, samples=1, generator=seeded(), level=LEVEL).mean()
        for gamma in (1e-5, 2e-3)
    )
    assert sharp > blunt > 0 > importance_nll(levels_model(1e-5), x, samples=1, generator=seeded()).mean()


def test_the_noise_of_dequantising_follows_the_generator():
    x = torch.full((3, D), 0.5).double()
    first, again, other = (
        importance_nll(levels_model(0.1), x, samples=2, generator=seeded(seed), level=LEVEL)
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_coins_are_refused_for_grey_images_and_not_for_black_and_white():
    coins = model(Exact(), BCE(range=(0.0, 1.0)))
    coins.decoder = Nothing()
    with pytest.raises(ConfigError, match="zeros and ones"):
        importance_nll(coins, torch.full((2, D), 0.3).double(), samples=3, generator=seeded())
    x = torch.eye(D).double()
    assert importance_nll(coins, x, samples=3, generator=seeded()).isfinite().all()
