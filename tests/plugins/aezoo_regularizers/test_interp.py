"""The smoother: its critic's penalty, what it reaches, what lies between two codes."""

import pytest
import torch
from torch import nn

from aezoo.functional.interpolation import interpolate
from aezoo_regularizers import interp
from aezoo_regularizers.interp import Interp
from tests.toyparts import B, Rows, flexae_sr, groups, moved, only, step_of, weights_of


def test_the_image_critics_penalty_takes_the_norm_over_all_dimensions_of_an_image():
    part = Interp((1, 2, 2), (4,), hidden=8)
    part.critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    with torch.no_grad():
        part.critic[1].weight.copy_(torch.tensor([1.0, 2.0, 2.0, 4.0]))  # of norm 5
    model = flexae_sr((1, 2, 2))
    step = step_of(model)
    with step.in_phase("image_critic", 1):
        assert part.critic_loss(step)["penalty"].item() == pytest.approx(160.0, rel=1e-5)


def test_the_smoothers_gradient_reaches_encoder_and_decoder_and_no_critic():
    model = flexae_sr()
    before = weights_of(model)
    only(model, "batch smoothing").iterate()
    names = moved(before, model)
    assert groups(names) == {"encoder", "decoder"}
    assert {name for name in before if name.startswith(("encoder", "decoder"))} == names


def test_the_smoother_reaches_the_encoder_by_way_of_both_codes():
    model = flexae_sr()
    step = step_of(model)
    with step.in_phase("look", 1, frozenset(id(weight) for weight in model.parameters())):
        loss = model.regularizer["interp"].smoothing_loss(step)["smoothing"]
        gradients = torch.autograd.grad(loss, [step.z, step.partner.z])
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_an_interpolation_ends_at_the_two_reconstructions(gamma, monkeypatch):
    monkeypatch.setattr(interp, "interpolate", lambda a, b, g: interpolate(a, b, torch.full_like(g, gamma)))
    model = flexae_sr()
    step = step_of(model)
    with step.in_phase("look", 1):
        expected = step.x_hat if gamma else model.decoder(step.partner.z)
        assert torch.equal(interp.decode_between(step), expected)
        assert not torch.equal(step.x_hat, model.decoder(step.partner.z))


def test_between_a_batch_and_itself_lies_its_reconstruction():
    model = flexae_sr((1, 8, 8), backbone="conv").eval()
    step, other = step_of(model, Rows((1, 8, 8), twins=True)), step_of(model)
    for each in (step, other):
        with each.in_phase("look", 1):
            close = torch.allclose(interp.decode_between(each), each.x_hat, atol=1e-6)
        assert close == (each is step)


def test_gamma_is_one_number_per_example_on_the_whole_unit_interval(monkeypatch):
    seen = []
    monkeypatch.setattr(interp, "interpolate", lambda a, b, g: seen.append(g) or interpolate(a, b, g))
    model = flexae_sr()
    for number in range(40):
        step = step_of(model)
        step.begin(number)
        with step.in_phase("look", 1):
            interp.decode_between(step)
    gamma = torch.stack(seen)
    assert gamma.shape == (40, B) and gamma.min() < 0.02 and gamma.max() > 0.98  # not folded to a half
