import itertools

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.errors import ConfigError
from aezoo.metrics import sliced_wasserstein, wasserstein
from tests.metrics.sets import normal, rotation

seeds = st.integers(0, 2**31 - 1)
quick = settings(deadline=None, max_examples=25)


def test_on_a_line_a_set_moved_by_c_lies_at_c():
    x = normal(50, 1)
    assert sliced_wasserstein(x, x - 3) == pytest.approx(3, rel=1e-12)
    assert wasserstein(x, x - 3) == pytest.approx(3, rel=1e-12)


def test_a_set_moved_by_c_lies_at_the_mean_square_of_c_along_the_directions():
    x, c = normal(50, 4), torch.tensor([3.0, 0.0, 4.0, 0.0])
    found = sliced_wasserstein(x, x + c, directions=20_000)
    assert found == pytest.approx(5 / 4**0.5, rel=0.02)  # E (c . direction)^2 = |c|^2 / d
    assert wasserstein(x, x + c) == pytest.approx(5, rel=1e-12)  # the triangle inequality is met by the shift


def test_a_set_and_its_double_on_a_line():
    x = normal(40, 1)
    assert sliced_wasserstein(x, 2 * x) == pytest.approx(float(x.square().mean().sqrt()), rel=1e-12)
    assert wasserstein(x, 2 * x) == pytest.approx(float(x.abs().mean()), rel=1e-12)


@quick
@given(st.integers(2, 5), st.integers(1, 3), seeds)
def test_the_best_assignment_is_found(rows, width, seed):
    a, b = normal(rows, width, seed=seed), normal(rows, width, seed=seed + 1)
    lengths = torch.cdist(a, b)
    best = min(
        sum(lengths[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(rows))
    )
    assert wasserstein(a, b) == pytest.approx(float(best) / rows, rel=1e-9)


@quick
@given(st.integers(2, 9), st.integers(2, 9), seeds)
def test_unequal_sets_on_a_line_are_compared_by_their_quantiles(n, m, seed):
    a, b = normal(n, 1, seed=seed), normal(m, 1, mean=0.3, seed=seed + 1)
    expected = scipy.stats.wasserstein_distance(a[:, 0], b[:, 0])
    assert wasserstein(a, b) == pytest.approx(expected, rel=1e-9)
    # a set said several times over is the same law
    repeated = sliced_wasserstein(a.repeat(m, 1), b.repeat(n, 1))
    assert sliced_wasserstein(a, b) == pytest.approx(repeated, rel=1e-9)


@quick
@given(st.integers(2, 30), st.integers(1, 5), seeds)
def test_the_same_rows_in_another_order_lie_at_zero(rows, width, seed):
    x = normal(rows, width, mean=1e4, seed=seed).float()
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    assert wasserstein(x, x[order]) == 0.0
    assert sliced_wasserstein(x, x[order], directions=20) == pytest.approx(0, abs=1e-10)


@quick
@given(st.integers(2, 20), st.integers(2, 4), seeds)
def test_both_are_symmetric_and_the_exact_one_is_blind_to_rotation(rows, width, seed):
    a, b, turn = normal(rows, width, seed=seed), normal(rows, width, seed=seed + 1), rotation(width, seed)
    assert sliced_wasserstein(a, b) == pytest.approx(sliced_wasserstein(b, a), rel=1e-12)
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), rel=1e-12)
    assert wasserstein(a @ turn, b @ turn) == pytest.approx(wasserstein(a, b), rel=1e-9)


def test_one_point_against_one_point_is_their_distance():
    assert wasserstein(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])) == 5.0


def test_the_sliced_distance_tells_a_shift_from_sampling():
    a, same = normal(2000, 10), normal(2000, 10, seed=1)
    assert sliced_wasserstein(a, same + 0.2) > 3 * sliced_wasserstein(a, same)


def test_the_seed_chooses_the_directions():
    a, b = normal(20, 3), normal(20, 3, seed=1)
    first, again, other = (sliced_wasserstein(a, b, directions=5, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


def test_constant_sets_lie_as_far_apart_as_their_points():
    a, b = np.zeros((5, 2)), np.tile([3.0, 4.0], (5, 1))
    assert wasserstein(a, b) == 5.0
    assert sliced_wasserstein(a, b, directions=20_000) == pytest.approx(5 / 2**0.5, rel=0.02)


def test_unequal_sets_in_the_plane_have_no_assignment():
    with pytest.raises(ConfigError, match="a has 5 rows and b has 4, and rows are assigned one to one"):
        wasserstein(normal(5, 2), normal(4, 2))


def test_more_rows_than_an_assignment_can_bear_are_refused_before_any_work():
    many = torch.zeros(5001, 2)
    with pytest.raises(ConfigError, match="takes at most 5000") as caught:
        wasserstein(many, many)
    assert "sliced_wasserstein" in caught.value.fix
    assert wasserstein(many[:, :1], many[:, :1]) == 0.0  # on a line sorting does


@pytest.mark.parametrize("wrong", [{"directions": 0}, {"directions": 2.5}, {"seed": 2**32}])
def test_settings_that_make_no_directions_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        sliced_wasserstein(normal(5, 2), normal(5, 2), **wrong)
