import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.errors import ConfigError
from aezoo.metrics import prd
from aezoo.metrics.prd import BETA, curve, largest_f
from tests.metrics.sets import normal

histograms = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any)


def reference(a, b, angles=1001, epsilon=1e-10):
    """The authors' compute_prd, in its own words."""
    slopes = np.tan(np.linspace(epsilon, np.pi / 2 - epsilon, num=angles))
    precision = np.minimum(np.expand_dims(b, 0) * np.expand_dims(slopes, 1), np.expand_dims(a, 0)).sum(axis=1)
    return np.clip(precision, 0, 1), np.clip(precision / slopes, 0, 1)


def modes(rows, count, seed=0):
    """Equal shares of tight clusters on a line."""
    places = torch.arange(rows) % count
    return normal(rows, 1, scale=0.01, seed=seed) + 10.0 * places[:, None]


@settings(deadline=None)
@given(histograms, histograms)
def test_the_curve_is_the_authors(p, q):
    shares = np.array(p) / sum(p), np.array(q) / sum(q)
    precision, recall = curve(torch.tensor(p), torch.tensor(q))
    expected = reference(*shares)
    np.testing.assert_allclose(precision, expected[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(recall, expected[1], rtol=0, atol=1e-9)


def test_the_curve_by_hand():
    precision, recall = curve(torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.25, 0.5]), angles=3)
    # at 45 degrees: sum min(b, a) = 0.25 + 0.25; at the ends what of a is in b, and of b in a
    assert precision.tolist() == pytest.approx([0, 0.5, 1], abs=1e-9)
    assert recall.tolist() == pytest.approx([0.5, 0.5, 0], abs=1e-9)


@settings(deadline=None)
@given(histograms, histograms)
def test_swapping_the_sets_swaps_precision_and_recall(p, q):
    precision, recall = curve(torch.tensor(p), torch.tensor(q))
    turned_precision, turned_recall = curve(torch.tensor(q), torch.tensor(p))
    torch.testing.assert_close(precision, turned_recall.flip(0), rtol=0, atol=1e-9)
    torch.testing.assert_close(recall, turned_precision.flip(0), rtol=0, atol=1e-9)


@settings(deadline=None)
@given(histograms)
def test_a_distribution_against_itself_is_precise_and_complete(p):
    found = curve(torch.tensor(p), torch.tensor(p))
    assert largest_f(*found, BETA) == pytest.approx(1, abs=1e-9)
    assert largest_f(*found, 1 / BETA) == pytest.approx(1, abs=1e-9)


def test_disjoint_distributions_share_nothing():
    found = curve(torch.tensor([1, 0]), torch.tensor([0, 1]))
    assert [part.abs().max() for part in found] == [0, 0]
    assert largest_f(*found, BETA) == 0


def test_half_of_the_modes_is_half_the_recall_and_all_the_precision():
    half, all_ = torch.tensor([1, 1, 0, 0]), torch.tensor([1, 1, 1, 1])
    found = curve(half, all_)
    assert round(largest_f(*found, BETA), 3) == 0.504
    assert round(largest_f(*found, 1 / BETA), 3) == 0.985
    turned = curve(all_, half)
    assert round(largest_f(*turned, BETA), 3) == 0.985
    assert round(largest_f(*turned, 1 / BETA), 3) == 0.504


@pytest.mark.parametrize("fast", [False, True])
def test_the_two_numbers_are_recall_then_precision(fast):
    found = prd(modes(200, 4), modes(200, 8, seed=1), clusters=8, runs=3, fast=fast)
    assert (round(found.f8, 3), round(found.f1_8, 3)) == (0.504, 0.985)  # a covers half of b
    found = prd(modes(200, 8), modes(200, 4, seed=1), clusters=8, runs=3, fast=fast)
    assert (round(found.f8, 3), round(found.f1_8, 3)) == (0.985, 0.504)


def test_the_whole_is_the_mean_of_curves_over_clusterings():
    a, b = normal(100, 2), normal(100, 2, mean=0.5, seed=1)
    found = prd(a, b, clusters=5, runs=4)
    assert found.precision.shape == found.recall.shape == (1001,)
    assert found.precision.dtype == torch.float64
    assert found.f8 == largest_f(found.precision, found.recall, 8)
    first = prd(a, b, clusters=5, runs=1)
    assert not torch.equal(found.precision, first.precision)


@pytest.mark.parametrize("fast", [False, True])
def test_the_same_seed_gives_the_same_numbers(fast):
    a, b = normal(100, 70), normal(100, 70, mean=0.2, seed=1)
    first, again, other = (prd(a, b, runs=2, seed=seed, fast=fast) for seed in (3, 3, 4))
    assert torch.equal(first.precision, again.precision) and torch.equal(first.recall, again.recall)
    assert (first.f8, first.f1_8) == (again.f8, again.f1_8)
    assert not torch.equal(first.precision, other.precision)


def test_samples_of_one_law_come_near_one():
    found = prd(normal(300, 4), normal(300, 4, seed=1), runs=3)
    assert found.f8 > 0.9 and found.f1_8 > 0.9


def test_the_projection_changes_little():
    # 3 directions tell the sets apart, the other 197 are noise
    a, b = normal(400, 200, scale=0.05), normal(400, 200, scale=0.05, seed=1)
    a[:, :3] += 3 * normal(400, 3, seed=2)
    b[:, :3] += 3 * normal(400, 3, mean=0.5, seed=3)
    exact, fast = prd(a, b, runs=5), prd(a, b, runs=5, fast=True)
    assert fast.f8 == pytest.approx(exact.f8, abs=0.02)
    assert fast.f1_8 == pytest.approx(exact.f1_8, abs=0.02)


def test_few_columns_need_no_projection():
    a, b = normal(60, 5), normal(60, 5, seed=1)
    assert prd(a, b, runs=1, fast=True).f8 == prd(a, b, runs=1).f8


def test_constant_sets_are_one_or_nothing():
    zeros, ones = np.zeros((20, 3)), np.ones((20, 3))
    assert prd(zeros, zeros, runs=1).f8 == pytest.approx(1)
    assert prd(zeros, ones, runs=1).f8 == prd(zeros, ones, runs=1).f1_8 == 0


def test_sets_of_different_sizes_are_refused():
    with pytest.raises(ConfigError, match="a has 30 rows and b has 20") as caught:
        prd(normal(30, 2), normal(20, 2))
    assert "give 20 rows of each" in caught.value.fix


def test_fewer_rows_than_clusters_are_refused():
    with pytest.raises(ConfigError, match="together have 18 rows, fewer than the 20 clusters"):
        prd(normal(9, 2), normal(9, 2))


@pytest.mark.parametrize("wrong", [{"clusters": 0}, {"runs": 0}, {"angles": 2}, {"seed": -1}])
def test_settings_that_make_no_curve_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        prd(normal(30, 2), normal(30, 2), **{"runs": 1, **wrong})


@pytest.mark.parametrize("wrong", [[0, 0], [-1, 2], [math.nan, 1], [[1, 2]]])
def test_histograms_that_are_no_distribution_are_refused(wrong):
    with pytest.raises(ConfigError, match="histogram_b is"):
        curve(torch.tensor([1, 1]), torch.tensor(wrong))


def test_histograms_of_different_length_are_refused():
    with pytest.raises(ConfigError, match="histogram_a has 2 clusters and histogram_b has 3"):
        curve(torch.tensor([1, 1]), torch.tensor([1, 1, 1]))
