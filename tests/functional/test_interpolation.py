import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.functional import interpolate


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
def test_one_alpha_holds_for_a_whole_example(shape):
    a, b = torch.ones(3, *shape), torch.zeros(3, *shape)
    between = interpolate(a, b, torch.tensor([0.0, 0.25, 1.0]))
    assert [set(row.flatten().tolist()) for row in between] == [{0.0}, {0.25}, {1.0}]


@settings(deadline=None)  # the first call imports and warms up
@given(st.integers(0, 2**31 - 1))
def test_the_ends_are_the_samples_themselves(seed):
    draw = torch.Generator().manual_seed(seed)
    a, b = torch.randn(4, 3, generator=draw), torch.randn(4, 3, generator=draw)
    assert torch.equal(interpolate(a, b, torch.ones(4)), a)
    assert torch.equal(interpolate(a, b, torch.zeros(4)), b)


def test_gradients_reach_both_samples_in_their_shares():
    a, b = torch.zeros(1, 2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    to_a, to_b = torch.autograd.grad(interpolate(a, b, torch.tensor([0.25])).sum(), [a, b])
    assert to_a.tolist() == [[0.25, 0.25]] and to_b.tolist() == [[0.75, 0.75]]


@pytest.mark.parametrize("shape", [(1, 2), (3, 1), (2,)])
def test_samples_that_would_broadcast_are_refused(shape):
    with pytest.raises(ValueError, match=r"a \(3, 2\), b"):
        interpolate(torch.zeros(3, 2), torch.zeros(shape), torch.zeros(3))


@pytest.mark.parametrize("shape", [(1,), (3, 1), ()])
def test_alpha_is_one_number_per_example(shape):
    with pytest.raises(ValueError, match="one alpha per example"):
        interpolate(torch.zeros(3, 2), torch.zeros(3, 2), torch.zeros(shape))
