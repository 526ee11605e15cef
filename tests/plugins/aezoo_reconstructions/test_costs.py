import math
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError

from aezoo.api import ConfigError, Ramp
from aezoo.config.check import settings_of
from aezoo_reconstructions.bce import BCE
from aezoo_reconstructions.gaussian import GaussianNLL
from aezoo_reconstructions.l1 import L1
from aezoo_reconstructions.mse import MSE

IMAGE = (1, 2, 2)


def step(x=0.5, x_hat=0.0, number=0):
    notes = {}
    return SimpleNamespace(
        x=torch.full((3, *IMAGE), x),
        x_hat=torch.full((3, *IMAGE), x_hat),
        number=number,
        note=notes.__setitem__,
        notes=notes,
    )


@pytest.mark.parametrize(
    ("cost", "value"),
    [
        (MSE(), 1.0),  # four pixels, each 0.25
        (MSE(reduction="mean"), 0.25),
        (MSE(weight=0.05), 0.05),
        (L1(), 2.0),
        (L1(reduction="mean", weight=3.0), 1.5),
    ],
)
def test_a_cost_is_its_reductions_value_times_the_weight(cost, value):
    (term,) = cost.terms(step()).values()
    assert term.shape == () and term.item() == pytest.approx(value)


@pytest.mark.parametrize("cost", [MSE, L1, lambda weight: BCE(range=(0.0, 1.0), weight=weight)])
def test_a_weight_may_change_with_the_step(cost):
    ramped = cost(weight=Ramp(start=0.0, end=1.0, steps=10))
    (full,) = cost(weight=1.0).terms(step(x_hat=0.25)).values()
    (half,) = ramped.terms(step(x_hat=0.25, number=5)).values()
    torch.testing.assert_close(half, 0.5 * full)


def test_bce_of_an_undecided_reconstruction_is_log_two_a_pixel():
    (term,) = BCE(range=(0.0, 1.0)).terms(step(x=1.0, x_hat=0.5)).values()
    assert term.item() == pytest.approx(4 * math.log(2.0))


@pytest.mark.parametrize("wrong", [None, (-1.0, 1.0)])
def test_bce_refuses_data_that_are_no_probabilities(wrong):
    with pytest.raises(ConfigError, match=r"\[0, 1\]"):
        BCE(range=wrong)


def test_gamma_starts_at_one_and_is_noted():
    cost, now = GaussianNLL(), step()
    (term,) = cost.terms(now).values()
    assert cost.gamma.item() == 1.0 and now.notes["gamma"].item() == 1.0
    assert term.item() == pytest.approx(0.5 * 1.0 + 4 * 0.5 * math.log(2 * math.pi))


def test_gamma_is_learned_to_be_the_rms_error():
    cost, now = GaussianNLL(), step(x=0.1)
    descent = torch.optim.Adam(cost.parameters(), lr=0.05)
    for _ in range(300):
        descent.zero_grad()
        sum(cost.terms(now).values()).backward()
        descent.step()
    assert cost.gamma.item() == pytest.approx(0.1, rel=0.02)
    (term,) = cost.terms(now).values()
    assert term.item() / 4 == pytest.approx(-0.8836, abs=1e-3)


def test_a_fixed_gamma_is_saved_and_not_trained():
    cost = GaussianNLL(learn_gamma=False, gamma=0.5)
    assert not list(cost.parameters()) and set(cost.state_dict()) == {"log_gamma"}
    assert cost.gamma.item() == pytest.approx(0.5)


def test_a_fixed_variance_v_is_a_beta_vae_with_beta_v_up_to_scale():
    v, kl = 0.3, 1.7
    cost = GaussianNLL(learn_gamma=False, gamma=math.sqrt(v))
    constant = 4 * (0.5 * math.log(2 * math.pi) + 0.5 * math.log(v))
    elbo = cost.terms(step())["gaussian"].item() - constant + kl
    beta_vae = 0.5 * MSE().terms(step())["mse"].item() + v * kl
    assert v * elbo == pytest.approx(beta_vae, rel=1e-5)


def test_gamma_begins_no_lower_than_its_floor():
    cost = GaussianNLL(gamma=math.exp(-8.0))
    assert cost.gamma.item() == pytest.approx(math.exp(-6.0))
    assert cost.terms(step(x=0.0))["gaussian"].isfinite()


def test_log_gamma_stops_at_its_floor_and_can_leave_it():
    cost = GaussianNLL(floor=-2.0)
    optimizer = torch.optim.Adam(cost.parameters(), lr=0.1)
    for residual, steps in ((0.0, 300), (1.0, 40)):
        for _ in range(steps):
            optimizer.zero_grad()
            (0.5 * residual**2 / cost.gamma**2 + cost.log_gamma).backward()
            optimizer.step()
            with torch.no_grad():
                cost.after(None)
        if residual == 0.0:
            assert cost.log_gamma.item() == -2.0
    assert cost.log_gamma.item() > -1.0


def test_a_gamma_of_zero_is_refused():
    with pytest.raises(ValidationError):
        settings_of(GaussianNLL)(gamma=0.0)
