import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.functional.reconstruction import absolute_error, binary_cross_entropy, gaussian_nll, squared_error

seeds = st.integers(0, 2**31 - 1)
costs = [
    squared_error,
    absolute_error,
    binary_cross_entropy,
    lambda x, y: gaussian_nll(x, y, torch.tensor(0.3)),
]


def images(seed):
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(4, 1, 3, 3, generator=draw), torch.rand(4, 1, 3, 3, generator=draw)


@pytest.mark.parametrize("cost", costs)
@settings(deadline=None)  # the first call imports and warms up
@given(seed=seeds)
def test_batch_order_is_irrelevant(cost, seed):
    x, x_hat = images(seed)
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(cost(x[order], x_hat[order]), cost(x, x_hat)[order])


@pytest.mark.parametrize("cost", costs)
def test_shapes_that_would_broadcast_are_refused(cost):
    with pytest.raises(ValueError, match=r"x \(4, 3\), x_hat \(4, 1\)"):
        cost(torch.zeros(4, 3), torch.zeros(4, 1))


def test_errors_are_sums_per_image():
    x, x_hat = torch.full((2, 1, 2, 2), 0.5), torch.zeros(2, 1, 2, 2)
    assert squared_error(x, x_hat).tolist() == [1.0, 1.0]
    assert absolute_error(x, x_hat).tolist() == [2.0, 2.0]


@settings(deadline=None)  # the first call imports and warms up
@given(seeds)
def test_cross_entropy_is_never_below_the_entropy_of_x(seed):
    x, x_hat = images(seed)
    assert (binary_cross_entropy(x, x_hat) >= binary_cross_entropy(x, x) - 1e-4).all()


def test_cross_entropy_agrees_with_torchs_on_logits():
    x, _ = images(0)
    logits = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(
        dim=(1, 2, 3)
    )
    torch.testing.assert_close(binary_cross_entropy(x, torch.sigmoid(logits)), expected)


@pytest.mark.parametrize("x", [0.0, 1.0])
@pytest.mark.parametrize("x_hat", [0.0, 1.0])
def test_cross_entropy_and_its_gradient_are_finite_at_the_ends(x, x_hat):
    guess = torch.tensor([[x_hat]], requires_grad=True)
    cost = binary_cross_entropy(torch.tensor([[x]]), guess)
    (gradient,) = torch.autograd.grad(cost.sum(), [guess])
    assert 0 <= cost.item() <= 16.2 and gradient.isfinite().all()


def test_cross_entropy_of_half_precision_is_computed_in_float32():
    cost = binary_cross_entropy(torch.ones(1, 100), torch.full((1, 100), 0.5, dtype=torch.bfloat16))
    assert cost.dtype == torch.float32
    assert cost.item() == pytest.approx(100 * math.log(2.0), rel=1e-6)


def test_gaussian_nll_at_the_optimum_is_the_published_number():
    x, x_hat = torch.full((1, 10), 0.1), torch.zeros(1, 10)  # residuals whose RMS is gamma
    nll = gaussian_nll(x, x_hat, torch.tensor(0.1).log()) / 10
    assert nll.item() == pytest.approx(-0.8836, abs=5e-5)  # (1 + log(2 pi 0.01)) / 2


@settings(deadline=None)  # the first call imports and warms up
@given(seeds)
def test_gammas_optimum_is_the_rms_error(seed):
    x, x_hat = images(seed)
    log_gamma = (x - x_hat).square().mean().sqrt().log().requires_grad_()
    (slope,) = torch.autograd.grad(gaussian_nll(x, x_hat, log_gamma).mean(), [log_gamma])
    assert abs(slope) < 1e-4
    here = gaussian_nll(x, x_hat, log_gamma).mean()
    assert all(gaussian_nll(x, x_hat, log_gamma + shift).mean() > here for shift in (-0.1, 0.1))


def test_gaussian_nll_is_torchs_density():
    x, x_hat = images(1)
    expected = -torch.distributions.Normal(x_hat, math.exp(0.3)).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(gaussian_nll(x, x_hat, torch.tensor(0.3)), expected)


def test_gamma_is_one_number():
    with pytest.raises(ValueError, match=r"log_gamma \(2,\)"):
        gaussian_nll(torch.zeros(2, 2), torch.zeros(2, 2), torch.zeros(2))
