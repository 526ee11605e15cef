import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.functional.interpolation import interpolate, linear_path, spherical_path


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


SEEDS = st.integers(0, 2**31 - 1)


def two(seed, rows=4, size=5):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(rows, size, generator=draw), torch.randn(rows, size, generator=draw)


@pytest.mark.parametrize("path", [linear_path, spherical_path])
@settings(deadline=None, max_examples=20)
@given(seed=SEEDS)
def test_a_path_begins_and_ends_at_the_samples_bit_by_bit(path, seed):
    a, b = two(seed)
    points = path(a, b, 7)
    assert points.shape == (4, 7, 5) and points.dtype == a.dtype
    assert torch.equal(points[:, 0], a) and torch.equal(points[:, -1], b)


def test_a_straight_path_has_its_middle_in_the_centre_and_equal_steps():
    a, b = two(0)
    points = linear_path(a, b, 5)
    assert torch.allclose(points[:, 2], (a + b) / 2)
    assert torch.allclose(points.diff(dim=1), ((b - a) / 4)[:, None].expand(-1, 4, -1), atol=1e-6)


def test_a_straight_path_leads_through_images_too():
    assert linear_path(torch.zeros(2, 1, 3, 3), torch.ones(2, 1, 3, 3), 3)[:, 1].unique().tolist() == [0.5]


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS)
def test_an_arc_is_shoemakes_formula(seed):
    a, b = (vectors.double() for vectors in two(seed))
    norms = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    u, v = a / norms[0], b / norms[1]
    angle = torch.arccos((u * v).sum(1, keepdim=True))
    points = spherical_path(a, b, 6)
    for k, t in enumerate(torch.arange(6) / 5):
        direction = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / torch.sin(angle)
        expected = ((1 - t) * norms[0] + t * norms[1]) * direction
        assert torch.allclose(points[:, k], expected, rtol=1e-5, atol=1e-7)


def test_a_quarter_of_a_circle_by_hand():
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    middle = spherical_path(a, b, 3)[0, 1]
    assert middle.tolist() == pytest.approx([3 / 2**0.5, 3 / 2**0.5])
    third = spherical_path(a, b, 4)[0, 1]
    assert third.tolist() == pytest.approx([(8 / 3) * 3**0.5 / 2, (8 / 3) / 2])


@pytest.mark.parametrize(
    ("a", "b"),
    [((1.0, 2.0), (3.0, 6.0)), ((0.0, 0.0), (1.0, 3.0)), ((1.0, 3.0), (0.0, 0.0)), ((0.0, 0.0), (0.0, 0.0))],
)
def test_between_parallel_vectors_and_from_or_to_zero_the_arc_is_the_line(a, b):
    one, other = torch.tensor([a]), torch.tensor([b])
    assert torch.allclose(spherical_path(one, other, 5), linear_path(one, other, 5), atol=1e-6)


def test_the_arc_to_the_opposite_goes_around_zero():
    points = spherical_path(torch.tensor([[3.0, 0.0, 0.0]]), torch.tensor([[-1.0, 0.0, 0.0]]), 5)[0]
    assert points.norm(dim=1).tolist() == pytest.approx([3, 2.5, 2, 1.5, 1])
    assert points[2].tolist() == pytest.approx([0, 2, 0], abs=1e-6)


def test_in_one_dimension_the_opposite_is_reached_through_zero():
    points = spherical_path(torch.tensor([[2.0]]), torch.tensor([[-2.0]]), 3)[0, :, 0]
    assert points.tolist() == pytest.approx([2, 0, -2], abs=1e-6)


def test_hardly_different_directions_give_no_nan():
    a = torch.tensor([[1.0, 0.0], [1.0, 1e-20], [1e30, 1e-30]])
    b = torch.tensor([[1.0, 1e-8], [1.0, 0.0], [-1e30, 1e-30]])
    assert torch.isfinite(spherical_path(a, b, 5)).all()


@pytest.mark.parametrize("path", [linear_path, spherical_path])
def test_one_step_is_no_path(path):
    with pytest.raises(ValueError, match="1 steps"):
        path(*two(0), 1)


@pytest.mark.parametrize("shape", [(4, 3), (1, 5), (4, 5, 1)])
def test_paths_between_different_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"a \(4, 5\), b"):
        spherical_path(torch.zeros(4, 5), torch.zeros(shape), 3)
