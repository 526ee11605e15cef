import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.errors import ConfigError
from aezoo.metrics.manifold import density_coverage, knn_precision, knn_precision_recall, knn_recall

seeds = st.integers(0, 2**31 - 1)


def sets(seed, dims=4):
    draw = torch.Generator().manual_seed(seed)
    real = torch.randn(40, dims, generator=draw, dtype=torch.float64)
    return 0.8 * torch.randn(30, dims, generator=draw, dtype=torch.float64) + 0.3, real


def by_definition(a, b, k):
    """The formulas of both papers, a loop for each sum."""

    def radius(rows, i):
        return sorted(math.dist(rows[i], other) for j, other in enumerate(rows) if j != i)[k - 1]

    a, b = a.tolist(), b.tolist()
    real, fake = [radius(b, j) for j in range(len(b))], [radius(a, i) for i in range(len(a))]
    precision = sum(any(math.dist(x, y) < r for y, r in zip(b, real, strict=True)) for x in a) / len(a)
    recall = sum(any(math.dist(y, x) < r for x, r in zip(a, fake, strict=True)) for y in b) / len(b)
    density = sum(math.dist(x, y) < r for x in a for y, r in zip(b, real, strict=True)) / (k * len(a))
    coverage = sum(any(math.dist(x, y) < r for x in a) for y, r in zip(b, real, strict=True)) / len(b)
    return precision, recall, density, coverage


def measures(a, b, k):
    return (*knn_precision_recall(a, b, k), *density_coverage(a, b, k))


@settings(deadline=None, max_examples=10)  # the first call imports and warms up; loops are slow
@given(seeds, st.integers(1, 5))
def test_measures_are_their_definitions(seed, k):
    a, b = sets(seed)
    assert measures(a, b, k) == pytest.approx(by_definition(a, b, k), abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_measures_are_those_of_prdc(k, capsys):
    prdc = pytest.importorskip("prdc", reason="prdc is among the test dependencies")
    a, b = sets(k, dims=16)
    expected = prdc.compute_prdc(real_features=b.numpy(), fake_features=a.numpy(), nearest_k=k)
    capsys.readouterr()  # it prints the sizes
    names = ("precision", "recall", "density", "coverage")
    assert measures(a, b, k) == pytest.approx([float(expected[name]) for name in names], abs=1e-12)


def test_points_on_a_line_by_hand():
    real = torch.tensor([[0.0], [1.0], [3.0], [10.0]])  # radii 1, 1, 2, 7
    fake = torch.tensor([[0.5], [4.0], [20.0]])  # radii 3.5, 3.5, 16
    # 0.5 lies in the balls of 0 and 1; 4 in those of 3 and 10; 20 in none
    assert density_coverage(fake, real, 1) == pytest.approx((4 / 3, 4 / 4))
    # 0, 1, 3 lie within 3.5 of 0.5, 10 within 16 of 20
    assert knn_precision_recall(fake, real, 1) == pytest.approx((2 / 3, 1.0))


def test_a_point_on_the_rim_is_outside():
    real = torch.tensor([[0.0], [1.0]])  # radii 1
    assert density_coverage(torch.tensor([[2.0], [-1.0]]), real, 1) == (0.0, 0.0)


def test_copies_of_each_row_make_empty_balls():
    real = torch.arange(4.0)[:, None].repeat(2, 3)  # each row twice: the nearest other row is at 0
    with pytest.raises(ConfigError, match="there 2 times or more"):
        density_coverage(real, real, 1)
    # with k = 2 balls reach exactly to the next number, which is then outside: only the two copies are in
    assert density_coverage(real, real, 2) == (1.0, 1.0)


@settings(deadline=None, max_examples=10)  # the first call imports and warms up
@given(seeds, st.integers(1, 4))
def test_recall_is_precision_the_other_way_round(seed, k):
    a, b = sets(seed)
    precision, recall = knn_precision_recall(a, b, k)
    assert knn_precision_recall(b, a, k) == (recall, precision)


@settings(deadline=None, max_examples=10)  # the first call imports and warms up
@given(seeds, st.floats(-100, 100))
def test_rotation_translation_and_order_change_nothing(seed, shift):
    a, b = sets(seed)
    draw = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=draw, dtype=torch.float64)).Q
    order = torch.randperm(len(b), generator=draw)
    assert measures(a @ turn + shift, (b @ turn + shift)[order], 3) == pytest.approx(measures(a, b, 3))


def test_copies_of_one_row_have_a_precision_and_no_recall():
    fake, real = torch.zeros(9, 1), torch.arange(9.0)[:, None]
    assert knn_precision(fake, real, 3) == 1.0
    with pytest.raises(ConfigError, match="each row of a is there 4 times or more"):
        knn_recall(fake, real, 3)


def test_a_set_against_itself_covers_everything():
    _, b = sets(0)
    assert knn_precision_recall(b, b, 3) == (1.0, 1.0)
    # each ball holds its own row and the first two neighbours; the third lies on the rim and is outside
    assert density_coverage(b, b, 3) == (1.0, 1.0)


@pytest.mark.parametrize("measure", [knn_precision_recall, density_coverage])
@pytest.mark.parametrize(
    ("a", "b", "k", "message"),
    [
        (torch.rand(9, 2), torch.rand(9, 3), 3, "2 columns and b has 3"),
        (torch.rand(1, 2), torch.rand(9, 2), 3, "a has 1 rows"),
        (torch.rand(9, 2), torch.rand(0, 2), 3, "b has 0 rows"),
        (torch.rand(9, 2), torch.rand(3, 2), 3, "a row of b can have 2"),
        (torch.rand(9, 2), torch.rand(9, 2), 0, "0 neighbours"),
        (torch.rand(9, 2), torch.zeros(9, 2), 3, "each row of b is there 4 times or more"),
        (torch.full((9, 2), torch.nan), torch.rand(9, 2), 3, "row 0 of a holds nan"),
    ],
)
def test_sets_without_balls_are_refused(measure, a, b, k, message):
    with pytest.raises(ConfigError, match=message):
        measure(a, b, k)
