import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d

from aezoo.errors import ConfigError
from aezoo.metrics.memorization import (
    authenticity,
    copies,
    copying,
    difference_interval,
    exact_copies,
    memorization_columns,
    memorization_score,
    nearest_two,
    wilson,
)
from tests.images import SHARED, idx_images, needs

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


# --- copies, counted against all training rows and beside held-out rows


@pytest.mark.parametrize("size", [1, 7, 60])
def test_the_two_nearest_rows_are_those_of_all_batches(size):
    train, made = points(0, 60), points(1)
    train[40:50] = train[:10]  # a copy in another batch is no second row
    expected = torch.cdist(made, train.unique(dim=0)).sort(dim=1).values[:, :2]
    torch.testing.assert_close(nearest_two(made, train.split(size)), expected)


def test_batches_that_hold_one_row_over_and_over_are_refused():
    with pytest.raises(ConfigError, match="b has 1 different rows"):
        nearest_two(torch.rand(3, 2), [torch.ones(4, 2), torch.ones(1, 2)])


def test_the_interval_is_newcombes_and_wilsons():
    """Newcombe 1998, table II: 9/10 - 3/10 and 10/10 - 0/10; Wilson's of 0 of n ends at z^2 / (n + z^2)."""
    assert difference_interval(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=1e-4)
    assert difference_interval(10, 10, 0, 10) == pytest.approx((0.6075, 1.0), abs=1e-4)
    assert wilson(0, 2000) == pytest.approx((0.0, 1.96**2 / (2000 + 1.96**2)), rel=1e-3)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(40, 60), st.integers(0, 40), st.integers(40, 60))
def test_the_interval_holds_the_difference_and_turns_with_it(k, n, j, m):
    low, high = difference_interval(k, n, j, m)
    assert -1.0 <= low <= k / n - j / m <= high <= 1.0
    assert difference_interval(j, m, k, n) == pytest.approx((-high, -low))


def decide(made, train, unseen, rows=500):
    found = nearest_two(torch.cat([made, unseen]), train.split(rows))
    return copying(found[: len(made)], found[len(made) :])


def law(seed, rows):
    """Rows of one law, of 3 dimensions in 20."""
    return points(seed, rows, 3) @ points(99, 3, 20) + 0.1 * points(seed + 1, rows, 20)


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_a_planted_memoriser_is_found_among_many_more_training_rows(share, noise):
    train, unseen, made = law(0, 20_000), law(2, 400), law(4, 400)
    count = int(share * len(made))
    made[:count] = train[7 :: len(train) // count][:count] + noise * points(6, count, 20)
    found = decide(made, train, unseen)
    assert found.verdict() == "copies" and found.low < share <= found.high + 0.05


def test_new_rows_of_the_same_law_are_found_to_be_no_copies():
    found = decide(law(4, 1000), law(0, 5000), law(2, 1000))
    assert found.verdict() == "no copies" and found.in_reach > 0.9


def test_near_duplicates_that_held_out_rows_have_too_are_no_memory():
    """As among CIFAR-10's test images: the law gives them, not the generator."""
    train, made, unseen = law(0, 5000), law(4, 1000), law(2, 1000)
    made[:100], unseen[:100] = train[:100] + 1e-3, train[100:200] + 1e-3
    found = decide(made, train, unseen)
    assert found.share > 0.09 and found.held_out > 0.09 and found.verdict() == "not decidable"


def test_rows_far_from_all_data_do_not_pass_as_no_memory_by_distance_alone():
    train, unseen = law(0, 5000), law(2, 1000)
    bad = train[:1000] + 3.0 * points(6, 1000, 20)  # every one a training row, under noise
    found = decide(bad, train, unseen)
    assert found.share == 0.0 and found.in_reach < 0.5 and found.verdict() == "not decidable"


def test_a_dozen_rows_decide_nothing():
    assert decide(law(4, 12), law(0, 5000), law(2, 12)).verdict() == "not decidable"


@pytest.fixture(scope="module")
def digits():
    """Nearest training digits of sets of 500, sought at once; the last are held-out digits."""
    train, test = idx_images(SHARED / "MNIST", "train"), idx_images(SHARED / "MNIST", "t10k").float()
    noise = torch.randn(500, 784, generator=torch.Generator().manual_seed(0))
    copied, unseen = train[3::120].float(), test[1000:1500]
    sets = {
        "all copies": copied,
        "half copies": torch.cat([copied[:250], unseen[250:]]),
        "a tenth copies": torch.cat([copied[:50], unseen[50:]]),
        "all noised copies": (copied + 0.05 * 255 * noise).clamp(0, 255).round(),
        "unseen": unseen,
        "blurred unseen": avg_pool2d(unseen.view(-1, 1, 28, 28), 3, 1, 1).flatten(1),
        "pixel noise": (127.5 + 60 * noise).clamp(0, 255).round(),
        "held out": test[:500],
    }
    found = nearest_two(torch.cat([*sets.values()]), (rows.float() for rows in train.split(8192)))
    return dict(zip(sets, found.split(500), strict=True))


@needs("MNIST")
@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("all copies", "copies"),
        ("half copies", "copies"),
        ("a tenth copies", "copies"),
        ("all noised copies", "copies"),
        ("unseen", "no copies"),
        ("blurred unseen", "no copies"),
        ("pixel noise", "not decidable"),
    ],
)
def test_memory_of_60000_digits_is_decided_by_500_rows(digits, made, expected):
    assert copying(digits[made], digits["held out"]).verdict() == expected
