import itertools

import numpy as np
import pytest
import torch

from aezoo.errors import ConfigError
from aezoo.metrics import fidelity, kernel_distance
from tests.metrics.sets import normal


def test_the_estimator_by_hand():
    a, b = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[0.0], [1.0], [5.0]])

    def kernel(x, y):
        return (2 * float(x) * float(y) + 0.5) ** 2

    within = sum(
        kernel(x, y) for rows in (a, b) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j
    )
    between = sum(kernel(x, y) for x, y in itertools.product(a, b))
    mean, spread = kernel_distance(a, b, subsets=3, subset_size=3, degree=2, gamma=2.0, coef=0.5)
    assert mean == pytest.approx(within / 6 - 2 * between / 9, rel=1e-12)
    assert spread == pytest.approx(0, abs=1e-10)  # every subset is the whole set


@pytest.mark.parametrize("seed", [2020, 7])
def test_torch_fidelity_agrees_on_the_same_subsets(seed):
    a, b = normal(150, 12), normal(120, 12, mean=0.2, scale=1.1, seed=1)
    ours = kernel_distance(a, b, subsets=8, subset_size=50, seed=seed)
    theirs = fidelity.kid(a, b, subsets=8, subset_size=50, seed=seed)
    assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-12)


def test_float32_features_lose_no_digits():
    a, b = (normal(80, 6, mean=3.0, seed=seed, dtype=torch.float32) for seed in (0, 1))
    options = {"subsets": 4, "subset_size": 40}
    assert kernel_distance(a, b, **options) == kernel_distance(a.double(), b.double(), **options)


def test_the_value_is_unbiased_so_negative_about_half_of_the_time():
    values = [
        kernel_distance(normal(20, 4, seed=2 * i), normal(20, 4, seed=2 * i + 1), subsets=1, subset_size=20)[
            0
        ]
        for i in range(200)
    ]
    assert 0.35 < np.mean(np.array(values) < 0) < 0.75
    assert abs(np.mean(values)) < 4 * np.std(values) / len(values) ** 0.5


def test_a_set_against_itself_stays_negative():
    x = normal(100, 5)
    assert kernel_distance(x, x, subsets=5, subset_size=100)[0] < -0.01


def test_the_seed_chooses_the_subsets():
    a, b = normal(60, 3), normal(60, 3, seed=1)
    first, again, other = (kernel_distance(a, b, subsets=3, subset_size=20, seed=s) for s in (0, 0, 1))
    assert first == again != other


def test_the_default_gamma_is_one_over_the_width():
    a, b = normal(30, 4), normal(30, 4, seed=1)
    options = {"subsets": 2, "subset_size": 20}
    assert kernel_distance(a, b, **options) == kernel_distance(a, b, gamma=0.25, **options)


def test_constant_sets_are_as_far_apart_as_the_kernel_says():
    a, b = torch.zeros(10, 2), torch.ones(10, 2)
    mean, spread = kernel_distance(a, b, subsets=3, subset_size=5)
    assert (mean, spread) == (1 + 8 - 2, 0)  # k(0, 0) + k(1, 1) - 2 k(0, 1) with (x.y / 2 + 1)^3


@pytest.mark.parametrize("engine", [kernel_distance, fidelity.kid])
def test_sets_smaller_than_a_subset_are_told_what_to_set(engine):
    with pytest.raises(ConfigError, match="b has 300 rows, and a subset takes 1000") as caught:
        engine(normal(2000, 2), normal(300, 2))
    assert caught.value.where == "subset_size"
    assert "set subset_size to 300 or less" in caught.value.fix


@pytest.mark.parametrize(
    "wrong",
    [
        {"subsets": 0},
        {"subset_size": 1},
        {"degree": 0},
        {"degree": 1.5},
        {"gamma": 0.0},
        {"gamma": float("nan")},
        {"coef": float("inf")},
        {"seed": -1},
    ],
)
def test_settings_that_make_no_kernel_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        kernel_distance(normal(20, 2), normal(20, 2), **{"subset_size": 10, **wrong})
