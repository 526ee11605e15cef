import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from aezoo.errors import ConfigError
from aezoo.metrics import Statistics, fidelity, frechet_distance, frechet_from_statistics
from aezoo.metrics import frechet as module
from tests.metrics.sets import normal, rotation

seeds = st.integers(0, 2**31 - 1)
shapes = st.tuples(st.integers(2, 12), st.integers(2, 12), st.integers(1, 8))
quick = settings(deadline=None, max_examples=25)  # the first call imports and warms up


def exactly(mean, covariance, n=10):
    """Statistics of a set with just these moments."""
    return Statistics(n, torch.as_tensor(mean).double(), torch.as_tensor(covariance).double() * (n - 1))


def by_statistics(a, b):
    return frechet_from_statistics(Statistics.of(a), Statistics.of(b))


def standardised(rows, width):
    """A set with mean 0 and covariance I, to rounding."""
    x = normal(rows, width)
    q = torch.linalg.qr(x - x.mean(0)).Q
    return q * (rows - 1) ** 0.5


def test_the_textbook_case_is_exactly_six():
    a, b = exactly(torch.zeros(3), torch.eye(3)), exactly(torch.ones(3), 4 * torch.eye(3), n=7)
    assert frechet_from_statistics(a, b) == 6.0  # |1|^2 + 3 (1 + 4 - 2 * 2)
    assert frechet_from_statistics(b, a) == 6.0


@pytest.mark.parametrize("rows", [4, 5, 50])
def test_the_textbook_case_from_rows(rows):
    x = standardised(rows, 3)
    assert frechet_distance(x, 1 + 2 * x) == pytest.approx(6, abs=1e-12)


@pytest.mark.parametrize("rows", [3, 8, 9, 40])  # fewer than, as many as, and more than dimensions
def test_a_set_moved_by_c_lies_at_c_squared(rows):
    x, c = normal(rows, 8), torch.arange(8.0)
    assert frechet_distance(x, x + c) == pytest.approx(140, rel=1e-12)


@pytest.mark.parametrize("rows", [3, 8, 9, 40])
def test_a_set_and_its_double(rows):
    x = normal(rows, 8, mean=3.0)
    expected = x.mean(0).square().sum() + x.var(0).sum()  # |mean|^2 + tr (1 + 4 - 4) S
    assert frechet_distance(x, 2 * x) == pytest.approx(float(expected), rel=1e-12)


def test_commuting_covariances():
    p, q, turn = torch.tensor([1.0, 4.0, 9.0]), torch.tensor([4.0, 4.0, 1.0]), rotation(3)
    a, b = (exactly(torch.zeros(3), turn @ torch.diag(v).double() @ turn.T) for v in (p, q))
    assert frechet_from_statistics(a, b) == pytest.approx(1 + 0 + 4, abs=1e-12)  # sum (sqrt p - sqrt q)^2


def test_one_dimension_is_the_difference_of_means_and_deviations():
    a, b = normal(30, 1), normal(20, 1, mean=5.0, scale=2.0, seed=1)
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-12)
    assert by_statistics(a, b) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("sizes", [(30, 30), (30, 45), (10, 200), (200, 10), (64, 65)])
def test_sets_of_fewer_rows_than_dimensions_agree_with_the_covariance_form(sizes):
    a, b = normal(sizes[0], 64), normal(sizes[1], 64, mean=0.2, scale=1.3, seed=1)
    assert frechet_distance(a, b) == pytest.approx(by_statistics(a, b), rel=1e-7)


def test_sets_on_a_line_in_many_dimensions_keep_their_digits():
    line = normal(1, 50, seed=2)
    a, b = normal(400, 1) * line, normal(300, 1, mean=0.5, seed=1) * line
    length = torch.linalg.vector_norm(line)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(a @ line.T / length, b @ line.T / length))


@pytest.mark.parametrize("decay", [torch.arange(600) < 1, 1e-5 + (torch.arange(600) < 1)])
def test_statistics_of_almost_one_direction_are_no_fault(decay):
    x = normal(900, 600) * decay  # all but one eigenvalue are rounding, or lost in it
    a = Statistics.of(x)
    assert 0 <= frechet_from_statistics(a, a) < 1e-5
    assert frechet_distance(x, x) < 1e-12


def test_large_sets_are_reduced_in_blocks(monkeypatch):
    a, b = normal(300, 6, mean=4.0), normal(200, 6, seed=1)
    whole, gathered = frechet_distance(a, b), Statistics.of(a)
    monkeypatch.setattr(module, "BLOCK", 60)
    assert frechet_distance(a, b) == pytest.approx(whole, rel=1e-12)
    torch.testing.assert_close(Statistics.of(a).m2, gathered.m2, rtol=1e-12, atol=1e-12)


def test_an_offset_of_1e4_in_float32_costs_no_digits():
    # float32 means and sums of squares are off by 0.06 and by 221 here
    a = normal(3000, 4, mean=1e4, dtype=torch.float32)
    b = normal(3000, 4, mean=1e4, scale=1.5, seed=1, dtype=torch.float32)
    near = frechet_distance(a.double() - 1e4, b.double() - 1e4)
    assert frechet_distance(a, b) == pytest.approx(near, rel=1e-9)
    assert by_statistics(a, b) == pytest.approx(near, rel=1e-8)


def test_statistics_gathered_in_batches_equal_those_of_the_whole():
    x = normal(1000, 5, mean=1e4, dtype=torch.float32)
    batches = [Statistics.of(batch) for batch in x.split([1, 250, 7, 742])]
    merged = batches[0]
    for batch in batches[1:]:
        merged = merged.merge(batch)
    assert merged.n == 1000
    torch.testing.assert_close(merged.mean, x.double().mean(0), rtol=1e-12, atol=0)
    torch.testing.assert_close(merged.covariance, torch.cov(x.double().T), rtol=1e-12, atol=1e-12)


@quick
@given(shapes, seeds)
def test_the_distance_is_symmetric(shape, seed):
    n, m, d = shape
    a, b = normal(n, d, seed=seed), normal(m, d, mean=1.0, seed=seed + 1)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10, abs=1e-10)


@quick
@given(shapes, seeds)
def test_a_rotation_of_space_and_the_order_of_rows_change_nothing(shape, seed):
    n, m, d = shape
    a, b, turn = normal(n, d, seed=seed), normal(m, d, scale=2.0, seed=seed + 1), rotation(d, seed)
    value = frechet_distance(a, b)
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(value, rel=1e-10, abs=1e-10)
    assert frechet_distance(a.flip(0), b) == pytest.approx(value, rel=1e-10, abs=1e-10)


@quick
@given(shapes, seeds, st.sampled_from([1e-3, 1.0, 1e6]))
def test_identical_sets_lie_at_zero_and_never_below(shape, seed, scale):
    n, _, d = shape
    x = normal(n, d, mean=scale, scale=scale, seed=seed)
    for distance in (frechet_distance, by_statistics):
        assert 0 <= distance(x, x.clone()) <= 1e-6 * d * scale**2


@quick
@given(shapes, seeds)
def test_both_forms_agree(shape, seed):
    n, m, d = shape
    a, b = normal(n, d, seed=seed), normal(m, d, mean=0.5, seed=seed + 1)
    assert frechet_distance(a, b) == pytest.approx(by_statistics(a, b), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("sizes", [(600, 500), (90, 90)])
def test_torch_fidelity_agrees(sizes):
    a, b = normal(sizes[0], 80), normal(sizes[1], 80, mean=0.1, scale=1.2, seed=1)
    assert frechet_distance(a, b) == pytest.approx(fidelity.fid(a, b), rel=1e-6)
    assert by_statistics(a, b) == pytest.approx(fidelity.fid(a, b), rel=1e-6)


def test_torch_fidelity_agrees_on_pixels_some_of_which_are_always_black():
    pixels = load_digits().data / 16
    a, b = pixels[::2], pixels[1::2]
    assert frechet_distance(a, b) == pytest.approx(fidelity.fid(a, b), rel=1e-6)
    assert by_statistics(a, b) == pytest.approx(fidelity.fid(a, b), rel=1e-6)


def test_constant_sets_lie_as_far_apart_as_their_points():
    a, b = np.zeros((5, 2)), np.tile([3.0, 4.0], (7, 1))
    assert frechet_distance(a, b) == 25.0
    assert frechet_distance(a, a) == 0.0


def test_statistics_of_one_row_have_no_covariance():
    one = Statistics.of(normal(1, 3))
    with pytest.raises(ConfigError, match="1 rows have no covariance"):
        frechet_from_statistics(one, Statistics.of(normal(5, 3)))


def test_statistics_of_different_widths_neither_merge_nor_compare():
    a, b = Statistics.of(normal(5, 3)), Statistics.of(normal(5, 2))
    for together in (a.merge, lambda other: frechet_from_statistics(a, other)):
        with pytest.raises(ConfigError, match="one set has 3 columns and the other 2"):
            together(b)


def test_statistics_whose_parts_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match=r"mean has the shape \(3,\) and m2 the shape \(2, 2\)"):
        Statistics(5, torch.zeros(3), torch.zeros(2, 2))


def test_an_m2_that_is_no_sum_of_squares_is_refused():
    wrong = exactly([0.0, 0.0], [[1.0, 3.0], [3.0, 1.0]])
    with pytest.raises(ConfigError, match="m2 is not a sum of outer products"):
        frechet_from_statistics(wrong, wrong)


def test_statistics_with_nan_are_an_error():
    with pytest.raises(ConfigError, match="nan"):
        frechet_from_statistics(exactly([float("nan")], [[1.0]]), exactly([0.0], [[1.0]]))


@pytest.mark.slow  # a minute on a busy core, nearly all of it for singular values
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_wide_sets_are_never_held_whole_in_float64():
    probe = """
import torch
from aezoo.metrics import frechet_distance
def peak():  # bytes; getrusage's begins, in a process just forked, at the size of its parent
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 2**10
frechet_distance(torch.randn(9, 9), torch.randn(9, 9))
a, b = torch.rand(3000, 12288), torch.rand(3000, 12288)
before = peak()
frechet_distance(a, b)
print((peak() - before) / (16 * a.numel()))
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert 0 < float(done.stdout) < 1  # of both sets in float64


@pytest.mark.parametrize("decades", [0, 2, 4, 8, 12])
def test_the_quick_form_is_taken_only_where_it_gives_the_exact_forms_digits(decades, monkeypatch):
    """Against the form on rows alone, from spheres to sets that hardly fill their space."""
    generator = torch.Generator().manual_seed(decades)
    spread = torch.logspace(0, -decades / 2, 40, dtype=torch.float64)
    a, b = (torch.randn(300, 40, generator=generator, dtype=torch.float64) * spread for _ in range(2))
    found = frechet_distance(a, b)
    monkeypatch.setattr("aezoo.metrics.frechet._by_covariances", lambda fake, real: None)
    assert found == pytest.approx(frechet_distance(a, b), rel=1e-10)


def test_sets_that_do_not_fill_their_space_are_left_to_the_exact_form():
    from aezoo.metrics.frechet import _by_covariances

    a = torch.randn(200, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    flat = torch.cat([a, a[:, :1] + a[:, 1:2]], 1)  # eleven columns of rank ten
    assert _by_covariances(a, a + 1) is not None
    assert _by_covariances(flat, flat + 1) is None
    assert frechet_distance(flat, flat + 1) == pytest.approx(11, rel=1e-10)
