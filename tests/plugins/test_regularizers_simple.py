from types import SimpleNamespace

import pytest
import torch
from torch import nn

from aezoo.api import ConfigError, Posterior, Ramp
from aezoo_priors.gmm import GMM
from aezoo_priors.mixture import Mixture
from aezoo_priors.normal import Normal
from aezoo_priors.pgen import PGen
from aezoo_regularizers.decoder_decay import DecoderDecay, kernels
from aezoo_regularizers.kl import KL
from aezoo_regularizers.l2_code import L2Code
from aezoo_regularizers.none import NoDivergence

BLANK = torch.zeros(2, 2)
POINT = Posterior(z=BLANK)
DRAWN = Posterior(z=BLANK, log_q=torch.zeros(2))
GAUSSIAN = Posterior(z=BLANK, mean=BLANK, log_var=BLANK, log_q=torch.zeros(2))


def step(posterior=GAUSSIAN, prior=None, decoder=None, number=0):
    notes = {}
    return SimpleNamespace(
        z=posterior.z,
        posterior=posterior,
        model=SimpleNamespace(prior_in_force=prior, decoder=decoder),
        number=number,
        generator=torch.Generator().manual_seed(0),
        note=notes.__setitem__,
        notes=notes,
    )


def value(part, *args, **kwargs):
    (term,) = part.terms(step(*args, **kwargs)).values()
    assert term.shape == ()
    return term.item()


# --- kl


def test_kl_takes_the_closed_form_where_there_is_one():
    mean, log_var = torch.ones(1, 1), torch.tensor([[0.25]]).log()
    far = Posterior(z=torch.full((1, 1), 9.0), mean=mean, log_var=log_var, log_q=torch.full((1,), 9.0))
    assert value(KL(), far, Normal(latent_dim=1)) == pytest.approx(0.8181, abs=5e-5)


def test_kl_else_compares_the_two_densities_at_the_sample():
    prior = Mixture(latent_dim=2, means=[[1.0, 1.0]])
    drawn = Posterior(z=torch.ones(4, 2), log_q=torch.full((4,), 0.5))
    assert value(KL(), drawn, prior) == pytest.approx(0.5 + 1.837877)  # log 2 pi


def test_both_ways_agree_on_average():
    draw = torch.Generator().manual_seed(0)
    mean, log_var = torch.full((100_000, 1), 1.0), torch.full((100_000, 1), -1.0)
    z = mean + torch.exp(0.5 * log_var) * torch.randn(100_000, 1, generator=draw)
    log_q = torch.distributions.Normal(1.0, torch.tensor(-0.5).exp()).log_prob(z).sum(dim=1)
    exact = value(KL(), Posterior(z=z, mean=mean, log_var=log_var, log_q=log_q), Normal(latent_dim=1))
    sampled = value(KL(), Posterior(z=z, log_q=log_q), Mixture(latent_dim=1, means=[[0.0]]))
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
        value(KL(), DRAWN, GMM(latent_dim=2))


# --- none, l2-code


def test_no_divergence_adds_nothing():
    part = NoDivergence()
    assert part.terms(step()) == {} and part.phases(None) == () and not list(part.parameters())


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (L2Code(weight=1.0), 2.5),  # codes (1, 2) and (1, 2): mean of 1 and 4
        (L2Code(weight=0.1), 0.25),
        (L2Code(weight=1.0, reduction="half-sum"), 2.5),  # m = 2: the mean is half the sum
    ],
)
def test_the_pull_on_codes_is_its_reductions_value(part, expected):
    assert value(part, Posterior(z=torch.tensor([[1.0, 2.0]] * 2))) == pytest.approx(expected)


def test_the_two_reductions_differ_by_half_the_dimension():
    codes = Posterior(z=torch.randn(5, 8, generator=torch.Generator().manual_seed(0)))
    mean, half_sum = (value(L2Code(weight=1.0, reduction=r), codes) for r in ("mean", "half-sum"))
    assert half_sum == pytest.approx(4 * mean)


# --- decoder-decay


def decoder():
    net = nn.Sequential(nn.Linear(2, 4), nn.LayerNorm((2, 2)), nn.ConvTranspose2d(1, 3, 2), nn.BatchNorm2d(3))
    for weight in net.parameters():
        nn.init.constant_(weight, 2.0)
    return net


def test_decay_counts_matrices_and_kernels_but_no_biases_and_no_normalisation():
    assert [tuple(weight.shape) for weight in kernels(decoder())] == [(4, 2), (1, 3, 2, 2)]
    assert value(DecoderDecay(weight=0.5), decoder=decoder()) == 0.5 * 4.0 * (8 + 12)


def test_decay_can_spare_the_first_layer():
    assert value(DecoderDecay(weight=1.0, skip_first=True), decoder=decoder()) == 4.0 * 12


def test_decays_gradient_is_twice_the_weight():
    net = nn.Linear(2, 2)
    (term,) = DecoderDecay(weight=0.5).terms(step(decoder=net)).values()
    to_weight, to_bias = torch.autograd.grad(term, [net.weight, net.bias], allow_unused=True)
    torch.testing.assert_close(to_weight, net.weight.detach())
    assert to_bias is None


def test_a_decoder_with_nothing_to_decay_is_refused():
    with pytest.raises(ConfigError, match="no weight matrix"):
        DecoderDecay(skip_first=True).attach(SimpleNamespace(decoder=nn.Linear(2, 2)))
