import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.errors import ConfigError
from aezoo.metrics.codes import active_units, effective_rank, posterior_gap

seeds = st.integers(0, 2**31 - 1)


def codes(seed, rows=60, dims=4):
    return torch.randn(rows, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_active_units_by_hand():
    # variances 0.5, 0.02, 0.0002, 0
    means = torch.tensor([[0.0, 0.0, 0.0, 7.0], [1.0, 0.2, 0.02, 7.0]])
    assert active_units(means) == 2
    assert active_units(means, threshold=0.1) == 1 and active_units(means, threshold=0.0) == 3


def test_an_offset_activates_no_unit():
    means = torch.full((100, 3), 1e4) + 0.001 * codes(0, 100, 3).float()
    assert active_units(means) == 0


def test_the_effective_rank_of_an_isotropic_normal_is_nearly_its_dimension():
    assert effective_rank(codes(0, rows=20_000, dims=10)) == pytest.approx(10, abs=0.02)


def test_the_effective_rank_of_a_line_is_one():
    line = codes(0, dims=1) * torch.tensor([[1.0, -2.0, 0.5]]) + 3.0
    assert effective_rank(line) == pytest.approx(1.0, abs=1e-9)


def test_the_effective_rank_by_hand():
    # centred singular values 2 sqrt(2) and sqrt(2): shares 2/3 and 1/3
    cross = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert effective_rank(cross) == pytest.approx(math.exp(math.log(3) - 2 / 3 * math.log(2)))


@settings(deadline=None, max_examples=10)  # the first call imports and warms up
@given(seeds, st.floats(-100, 100), st.floats(0.01, 100))
def test_the_effective_rank_keeps_under_rotation_translation_scale_and_order(seed, shift, scale):
    z = codes(seed) * torch.tensor([3.0, 1.0, 0.3, 0.1])
    draw = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=draw, dtype=torch.float64)).Q
    moved = (scale * z @ turn + shift)[torch.randperm(len(z), generator=draw)]
    assert effective_rank(moved) == pytest.approx(effective_rank(z), rel=1e-9)
    assert 1.0 <= effective_rank(z) <= 4.0


def test_the_gap_comes_with_that_of_two_prior_samples():
    calls = []

    def distance(a, b):
        calls.append((a, b))
        return float((a.mean() - b.mean()).abs())

    z, one, other = torch.full((5, 2), 3.0), torch.zeros(5, 2), torch.ones(5, 2)
    assert posterior_gap(z, one, other, distance) == (3.0, 1.0)
    assert all(torch.equal(a, one) for a, _ in calls)  # the same generated sample both times


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: active_units(torch.zeros(1, 3)), "means has 1 rows"),
        (lambda: active_units(torch.full((3, 3), torch.inf)), "row 0 of means holds inf"),
        (lambda: effective_rank(torch.full((8, 3), 0.1)), "8 codes are all the same"),
        (lambda: effective_rank(torch.zeros(0, 3)), "codes has 0 rows"),
        (lambda: posterior_gap(codes(0), codes(1, 30), codes(2), max), "60 codes, and 30 and 60 samples"),
        (lambda: posterior_gap(codes(0), codes(1), codes(2, dims=3), max), "3 columns and b has 4"),
    ],
)
def test_codes_that_say_nothing_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
