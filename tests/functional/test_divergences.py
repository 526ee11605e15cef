import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.functional.divergences import (
    diagonal_normal_log_prob,
    kl_to_standard_normal,
    standard_normal_log_prob,
)

seeds = st.integers(0, 2**31 - 1)


def posterior(seed, rows=5, dims=3, scale=2.0):
    draw = torch.Generator().manual_seed(seed)
    mean = scale * torch.randn(rows, dims, generator=draw)
    return mean, torch.randn(rows, dims, generator=draw)


def test_kl_of_n_1_quarter_is_the_published_number():
    kl = kl_to_standard_normal(torch.ones(1, 1), torch.tensor([[0.25]]).log())
    assert kl.item() == pytest.approx(0.8181, abs=5e-5)  # (1 + 0.25 + log 4 - 1) / 2


def test_kl_at_the_prior_is_exactly_zero():
    assert kl_to_standard_normal(torch.zeros(2, 4), torch.zeros(2, 4)).tolist() == [0.0, 0.0]


def test_kl_sums_over_dimensions_and_not_over_the_batch():
    one = kl_to_standard_normal(torch.ones(1, 1), torch.zeros(1, 1))
    assert torch.equal(kl_to_standard_normal(torch.ones(2, 3), torch.zeros(2, 3)), 3 * one.expand(2))


def test_kl_agrees_with_monte_carlo():
    mean, log_var = torch.tensor([1.0, -0.5]), torch.tensor([0.3, -1.0])
    noise = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    z = mean + torch.exp(0.5 * log_var) * noise
    difference = diagonal_normal_log_prob(
        z, mean.expand_as(z), log_var.expand_as(z)
    ) - standard_normal_log_prob(z)
    error = 4 * difference.std() / len(z) ** 0.5
    exact = kl_to_standard_normal(mean[None], log_var[None])
    assert abs(difference.mean() - exact) < error


def test_kl_keeps_its_digits_close_to_the_prior():
    kl = kl_to_standard_normal(torch.zeros(1, 1), torch.tensor([[1e-3]]))
    assert kl.item() == pytest.approx(2.5008e-7, rel=1e-3)  # v^2 / 4 to first order


@settings(deadline=None)  # the first call imports and warms up
@given(seeds)
def test_kl_is_never_negative(seed):
    assert (kl_to_standard_normal(*posterior(seed, scale=0.01)) >= 0).all()


@settings(deadline=None)  # the first call imports and warms up
@given(seeds)
def test_batch_order_is_irrelevant(seed):
    mean, log_var = posterior(seed)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    shuffled = kl_to_standard_normal(mean[order], log_var[order])
    assert torch.equal(shuffled, kl_to_standard_normal(mean, log_var)[order])


@settings(deadline=None)  # the first call imports and warms up
@given(seeds)
def test_log_prob_is_torchs(seed):
    mean, log_var = posterior(seed)
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))
    expected = torch.distributions.Normal(mean, torch.exp(0.5 * log_var)).log_prob(z).sum(dim=1)
    torch.testing.assert_close(diagonal_normal_log_prob(z, mean, log_var), expected, rtol=1e-4, atol=1e-4)


def test_the_standard_normal_is_the_diagonal_one_at_zero():
    z, zero = torch.randn(4, 3), torch.zeros(4, 3)
    torch.testing.assert_close(standard_normal_log_prob(z), diagonal_normal_log_prob(z, zero, zero))


@pytest.mark.parametrize("wrong", [(4, 1), (1, 3), (3,)])
def test_shapes_that_would_broadcast_are_refused(wrong):
    with pytest.raises(ValueError, match=r"mean \(4, 3\), log_var"):
        kl_to_standard_normal(torch.zeros(4, 3), torch.zeros(wrong))
    with pytest.raises(ValueError, match=r"z \(4, 3\), mean"):
        diagonal_normal_log_prob(torch.zeros(4, 3), torch.zeros(wrong), torch.zeros(wrong))
