import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.errors import ConfigError
from aezoo.metrics import neighbours
from aezoo.metrics.neighbours import kth_distances, nearest_distances, nearest_neighbours, within

seeds = st.integers(0, 2**31 - 1)


def points(seed, rows=50, dims=6, dtype=torch.float32):
    return torch.randn(rows, dims, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def coarse(seed, rows, dims=2):
    """Few different values: many copies and many ties."""
    return torch.randint(0, 3, (rows, dims), generator=torch.Generator().manual_seed(seed)).float()


def brute(a, b):
    return (a.double()[:, None] - b.double()[None]).square().sum(dim=2).sqrt()


def ascending(distances):
    return torch.sort(distances, dim=1, stable=True)  # ties stay in the order of the columns


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", 7)
    monkeypatch.setattr(neighbours, "_NUMBERS", 50)


@settings(deadline=None, max_examples=25)  # the first call imports and warms up
@given(seeds, st.sampled_from([points, coarse]), st.integers(1, 5))
def test_neighbours_are_those_of_brute_force(seed, draw, k):
    a, b = draw(seed, 20), draw(seed + 1, 30)
    expected = ascending(brute(a, b))
    distance, index = nearest_neighbours(a, b, k)
    torch.testing.assert_close(distance, expected.values[:, :k], rtol=1e-14, atol=0)
    assert torch.equal(index, expected.indices[:, :k])


@settings(deadline=None, max_examples=25)  # the first call imports and warms up
@given(seeds, st.sampled_from([points, coarse]), st.integers(1, 5))
def test_the_kth_neighbour_is_another_row(seed, draw, k):
    a = draw(seed, 20)
    others = brute(a, a).fill_diagonal_(torch.inf)
    torch.testing.assert_close(kth_distances(a, k), others.sort(dim=1).values[:, k - 1], rtol=1e-14, atol=0)


@settings(deadline=None, max_examples=25)  # the first call imports and warms up
@given(seeds, st.sampled_from([points, coarse]))
def test_within_is_brute_force_with_an_open_ball(seed, draw):
    a, b = draw(seed, 20), draw(seed + 1, 30)
    radii = kth_distances(b, 3)
    if radii.any():
        found = torch.cat(list(within(a, b, radii)))
        assert torch.equal(found, brute(a, b) < radii * (1 - 1e-13))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("offset", "size"), [(0.0, 1.0), (1e4, 1.0), (0.0, 1e-25), (0.0, 1e25)])
def test_a_copy_is_at_distance_zero(dtype, offset, size):
    b = (points(0, dims=300, dtype=dtype) * size) + offset
    distance, index = nearest_distances(b[10:20], b)
    assert distance.tolist() == [0.0] * 10 and index.tolist() == list(range(10, 20))


def test_offsets_cost_no_digits():
    a, b = points(0), points(1)
    near, far = nearest_distances(a, b), nearest_distances(a.double() + 1e4, b.double() + 1e4)
    torch.testing.assert_close(near, far, rtol=1e-10, atol=0)


def test_a_row_far_out_hides_no_neighbour():
    b = torch.cat([points(1), torch.full((1, 6), 1e12)])
    assert torch.equal(nearest_distances(points(0), b)[1], brute(points(0), b).argmin(dim=1))


def test_tiny_and_huge_values_neither_vanish_nor_overflow():
    for size in (1e-200, 1e200):
        distance, _ = nearest_distances(np.array([[size]]), np.array([[3.0 * size], [5.0 * size]]))
        assert distance.item() == pytest.approx(2.0 * size)


def test_sets_of_different_types_meet_exactly():
    b = points(0).half()
    assert nearest_distances(b.double() + 1.0, b + torch.tensor(1.0).half())[0].max() < 1e-2
    assert nearest_distances(b.double(), b)[0].tolist() == [0.0] * len(b)


def test_copies_alone_are_searched_at_once():
    blank = torch.zeros(1000, 20)
    assert kth_distances(blank, 5).tolist() == [0.0] * 1000
    distance, index = nearest_neighbours(torch.ones(3, 20), blank, 2)
    assert index.tolist() == [[0, 1]] * 3 and distance.tolist() == [[20**0.5] * 2] * 3


def test_different_rows_of_equal_norm_are_not_copies():
    b = torch.cat([torch.eye(8), -torch.eye(8)])
    distance, index = nearest_distances(b, b)
    assert distance.tolist() == [0.0] * 16 and index.tolist() == list(range(16))


def test_coarse_matrix_products_change_nothing():
    before = torch.get_float32_matmul_precision()
    a, b = points(0, 30, 40), points(1, 200, 40)
    expected = nearest_distances(a, b)
    torch.set_float32_matmul_precision("medium")
    try:
        found = nearest_distances(a, b)
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.equal(found[1], expected[1]) and torch.equal(found[0], expected[0])


def test_arrays_and_integers_do():
    distance, index = nearest_distances(np.array([[0], [7]], dtype=np.uint8), np.array([[255], [5]]))
    assert distance.tolist() == [5.0, 2.0] and index.tolist() == [1, 1]


def test_one_row_has_neighbours_too():
    assert nearest_distances(torch.zeros(1, 2), torch.ones(1, 2))[1].tolist() == [0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nearest_distances(points(0, 5, 3), points(0, 5, 4)), "3 columns and b has 4"),
        (lambda: nearest_distances(points(0, 0), points(0)), "a has 0 rows"),
        (lambda: nearest_distances(torch.full((2, 2), torch.nan), torch.zeros(2, 2)), "row 0 of a holds nan"),
        (lambda: nearest_distances(torch.zeros(2, 2), torch.full((2, 2), torch.inf)), "row 0 of b holds inf"),
        (lambda: nearest_neighbours(points(0), points(0, 3), 4), "a row of b can have 3"),
        (lambda: nearest_neighbours(points(0), points(0), 0), "0 neighbours were asked for"),
        (lambda: kth_distances(points(0, 5), 5), "a row of a can have 4"),
        (lambda: kth_distances(points(0, 1), 1), "a row of a can have 0"),
    ],
)
def test_what_has_no_neighbours_is_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
