import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aezoo.functional.penalties import gradient_penalty


def samples(seed=0, rows=4, shape=(2,)):
    draw = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(rows, *shape, generator=draw) for _ in range(2))
    return a, b, torch.rand(rows, generator=draw)


def linear(*weight):
    critic = nn.Linear(len(weight), 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([weight]))
    return critic


@settings(deadline=None)  # the first call imports and warms up
@given(st.integers(0, 2**31 - 1))
def test_a_linear_critic_of_norm_five_pays_sixteen_for_any_batch(seed):
    penalty = gradient_penalty(linear(3.0, 4.0), *samples(seed))
    assert penalty.tolist() == [16.0] * 4
    assert (10 * penalty.mean()).item() == 160.0


def test_a_linear_critic_of_norm_one_pays_nothing():
    assert gradient_penalty(linear(0.6, 0.8), *samples()).abs().max() < 1e-12


def test_the_second_derivative_reaches_the_critics_weights():
    critic = linear(3.0, 4.0)
    (gradient,) = torch.autograd.grad(gradient_penalty(critic, *samples()).mean(), [critic.weight])
    torch.testing.assert_close(gradient, torch.tensor([[4.8, 6.4]]))  # 2 (||w|| - 1) w / ||w||


def test_the_penalty_of_a_deep_critic_agrees_with_finite_differences():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    a, b, alpha = (value.double() for value in samples(shape=(3,)))
    weight = critic[0].weight

    def mean_penalty(value):
        def call(point):
            return torch.func.functional_call(critic, {"0.weight": value}, (point,))

        return gradient_penalty(call, a, b, alpha).mean()

    assert torch.autograd.gradcheck(mean_penalty, [weight.detach().requires_grad_()])


def test_nothing_behind_the_samples_receives_a_gradient():
    a, b, alpha = samples()
    a.requires_grad_()
    critic = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    (to_a,) = torch.autograd.grad(gradient_penalty(critic, a, b, alpha).sum(), [a], allow_unused=True)
    assert to_a is None


def test_the_norm_is_taken_over_all_dimensions_of_an_image():
    a, b, alpha = samples(shape=(1, 3, 3))
    penalty = gradient_penalty(lambda x: x.sum(dim=(1, 2, 3)), a, b, alpha)
    torch.testing.assert_close(penalty, torch.full((4,), 4.0))  # (sqrt(9) - 1)^2


def test_each_example_meets_its_own_point_between_the_pair():
    a, b = torch.full((3, 1), 2.0), torch.zeros(3, 1)
    penalty = gradient_penalty(lambda x: x.square(), a, b, torch.tensor([0.0, 0.25, 1.0]))
    assert penalty.tolist() == [1.0, 0.0, 9.0]  # (2 x - 1)^2 at x = 0, 0.5, 2


def test_a_gradient_of_exactly_zero_gives_no_nan():
    critic = linear(0.0, 0.0)
    penalty = gradient_penalty(critic, *samples())
    (gradient,) = torch.autograd.grad(penalty.mean(), [critic.weight])
    assert penalty.tolist() == [1.0] * 4
    assert gradient.tolist() == [[0.0, 0.0]]


def test_dead_rectifiers_give_no_nan():
    critic = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    nn.init.constant_(critic[0].bias, -100.0)
    penalty = gradient_penalty(critic, *samples())
    gradients = torch.autograd.grad(penalty.mean(), list(critic.parameters()), allow_unused=True)
    assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)


def test_batches_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"a \(4, 2\), b \(1, 2\)"):
        gradient_penalty(linear(3.0, 4.0), torch.zeros(4, 2), torch.zeros(1, 2), torch.zeros(4))
