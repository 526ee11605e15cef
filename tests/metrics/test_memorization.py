import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.errors import ConfigError
from aezoo.metrics.memorization import (
    authenticity,
    copies,
    exact_copies,
    memorization_columns,
    memorization_score,
)

seeds = st.integers(0, 2**31 - 1)


def points(seed, rows=40, dims=5):
    return torch.randn(rows, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_score_of_a_set_with_itself_is_zero():
    assert memorization_score(points(0).float() + 1e4, points(0).float() + 1e4) == 0.0


@settings(deadline=None, max_examples=10)  # the first call imports and warms up
@given(seeds)
def test_the_score_is_brute_force(seed):
    a, b = points(seed).numpy(), points(seed + 1, 30).numpy()
    expected = np.linalg.norm(a[:, None] - b[None], axis=2).min(axis=1).mean()
    assert memorization_score(a, b) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, max_examples=10)  # the first call imports and warms up
@given(seeds, st.floats(-100, 100))
def test_rotation_translation_and_order_change_nothing(seed, shift):
    a, b = points(seed), points(seed + 1)
    draw = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=draw, dtype=torch.float64)).Q
    moved, order = (b @ turn + shift), torch.randperm(len(b), generator=draw)
    for measure in (memorization_score, authenticity):
        assert measure(a @ turn + shift, moved[order]) == pytest.approx(measure(a, b))


def test_the_direction_matters():
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [1.0], [9.0]])
    assert memorization_score(a, b) == 0.0
    assert memorization_score(b, a) == pytest.approx(8 / 3)


def test_a_generator_that_copies_is_found_out():
    train = points(0, 60).float()
    made = train[torch.arange(40) % 10]
    assert copies(made, train) == (1.0, 1.0)
    assert memorization_score(made, train) == 0.0 and authenticity(made, train) == 0.0


def test_near_copies_are_those_with_one_origin():
    train = torch.tensor([[0.0, 0.0], [4.0, 0.0]])
    made = torch.tensor([[0.0, 0.0], [0.9, 0.0], [1.1, 0.0], [2.0, 50.0]])  # ratios 0, 0.29, 0.38, 1
    assert copies(made, train) == (0.25, 0.5)
    assert copies(made, train, near=0.5) == (0.25, 0.75)


def test_a_training_row_that_is_there_twice_hides_no_near_copy():
    train = torch.tensor([[0.0], [0.0], [4.0], [4.0]])
    assert copies(torch.tensor([[0.5], [2.0]]), train) == (0.0, 0.5)


def test_new_rows_are_no_copies():
    assert copies(points(0), points(1)) == (0.0, 0.0)


def test_the_columns_of_a_copying_generator():
    train, test = points(0, 200), points(1, 50)
    same, copied = (memorization_columns(made, train, test) for made in (points(2, 70), train.repeat(4, 1)))
    assert same.count == copied.count == 50  # the test set is smallest
    assert copied.generated_train < 0.9 * copied.train_train  # half of its rows are in the other half
    assert same.generated_train == pytest.approx(same.train_train, rel=0.2)
    assert same.generated_test == pytest.approx(same.train_test, rel=0.2)


def test_the_two_halves_of_the_training_set_are_disjoint():
    rows = torch.arange(20.0)[:, None]
    found = memorization_columns(rows, rows, rows, count=10)
    assert found.train_train >= 1.0  # whole numbers: another row is at least 1 away
    assert found.train_test == memorization_columns(rows, rows, rows, count=10).train_test


def test_the_seed_chooses_the_rows():
    made, train, test = points(0), points(1), points(2)
    first, again, other = (memorization_columns(made, train, test, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


def test_all_rows_are_used_where_counts_allow_it():
    made, train, test = points(0, 20), points(1, 40), points(2, 20)
    found = memorization_columns(made, train, test)
    assert found.generated_test == pytest.approx(memorization_score(made, test))


def test_authenticity_by_hand():
    train = torch.tensor([[0.0], [1.0], [5.0]])  # own neighbours at 1, 1, 4
    made = torch.tensor([[-2.0], [0.5], [8.0], [10.0]])  # nearest at 2, 0.5, 3, 5
    assert authenticity(made, train) == 0.5


def test_rows_of_the_same_law_are_authentic_half_of_the_time():
    assert authenticity(points(0, 1000), points(1, 1000)) == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("measure", [memorization_score, copies, authenticity])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.rand(5, 2), torch.rand(5, 3), "2 columns and b has 3"),
        (torch.rand(5, 2), torch.rand(1, 2), "b has 1 rows"),
        (torch.rand(0, 2), torch.rand(5, 2), "a has 0 rows"),
        (torch.full((5, 2), torch.nan), torch.rand(5, 2), "row 0 of a holds nan"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(measure, a, b, message):
    with pytest.raises(ConfigError, match=message):
        measure(a, b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: copies(torch.rand(4, 2), torch.ones(4, 2)), "4 rows of b are copies of one"),
        (lambda: copies(points(0), points(1), near=1.5), "near is 1.5"),
        (
            lambda: memorization_columns(points(0), points(1), points(2), count=30),
            "30 rows of each set were asked for, and half of train has 20",
        ),
        (lambda: memorization_columns(points(0), points(1, 3), points(2)), "half of train has 1"),
        (
            lambda: memorization_columns(points(0), points(1), points(2, dims=3)),
            "train has 5 columns and test has 3",
        ),
        (
            lambda: memorization_columns(points(0) * torch.nan, points(1), points(2)),
            "row 0 of generated holds nan",
        ),
    ],
)
def test_what_says_nothing_of_copies_is_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_exact_copies_are_found_in_any_batch_and_no_other_row_is_one():
    train = torch.randint(0, 256, (90, 1, 3, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    made = torch.cat([train[[5, 5, 88]], train[:1] ^ 1])
    assert exact_copies(made, train.split(40)) == 0.75
    assert exact_copies(made[2:].numpy(), [train[:5].numpy()]) == 0.0


def test_exact_copies_agree_with_distances_of_zero():
    train, made = points(0), torch.cat([points(0)[:7], points(3)])
    assert exact_copies(made, train.split(11)) == copies(made, train)[0]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.rand(0, 2), torch.rand(5, 2), "0 rows"),
        (torch.rand(5, 2), torch.rand(5, 3), "those of b"),
        (torch.rand(5, 2), torch.rand(5, 2).double(), "float64"),
        (torch.full((5, 2), torch.nan), torch.rand(5, 2), "row 0 of a holds nan"),
        (torch.rand(5, 2), torch.full((5, 2), torch.inf), "row 0 of b holds inf"),
    ],
)
def test_rows_whose_bytes_cannot_be_compared_are_refused(a, b, message):
    with pytest.raises(ConfigError, match=message):
        exact_copies(a, [b])
