"""The sets that a run is measured by."""

from dataclasses import replace

import pytest
import torch

from aezoo.errors import AezooError, ConfigError
from aezoo.evaluation.sets import Sets, as_bytes, default_rows, stretch
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data, Split
from tests.toyparts import Back, D, Fixed, Lines, Reading


def model():
    torch.manual_seed(0)
    return Autoencoder(Lines(), Back(), Fixed(), shape=(D,), range=None).eval()


def vectors(train=40, test=12):
    rows = torch.randn(train + test, D, generator=torch.Generator().manual_seed(3))
    return Data("made-up", (D,), None, Split(rows[:train]), Split(rows[train:]))


def images(train=30, test=9):
    rows = torch.randint(0, 256, (train + test, 1, 5, 7), generator=torch.Generator().manual_seed(3))
    rows = rows.to(torch.uint8)
    return Data("pictures", (1, 5, 7), (0.0, 1.0), Split(rows[:train]), Split(rows[train:]), scale=1 / 255)


def test_without_a_number_all_test_rows_are_taken_in_their_order():
    data = images()
    sets = Sets(model(), data)
    assert sets.n == default_rows(data) == 9
    assert torch.equal(sets.rows("test"), data.test.values)


def test_fewer_rows_are_chosen_by_the_seed_and_without_repeats():
    data = vectors()
    chosen = [Sets(model(), data, n=5, seed=seed).rows("test") for seed in (0, 0, 1)]
    assert torch.equal(chosen[0], chosen[1]) and not torch.equal(chosen[0], chosen[2])
    assert len(chosen[0].unique(dim=0)) == 5


def test_the_two_training_sets_share_no_row():
    sets = Sets(model(), vectors(train=24))
    first, second = sets.rows("train-1"), sets.rows("train-2")
    assert len(first) == len(second) == sets.pairs == 12
    assert len(torch.cat([first, second]).unique(dim=0)) == 24


@pytest.mark.parametrize(("n", "most"), [(13, 12), (41, 12)])
def test_more_rows_than_there_are_is_an_error_that_says_how_many_there_are(n, most):
    with pytest.raises(ConfigError, match=f"{n} rows") as caught:
        Sets(model(), vectors(), n=n)
    assert caught.value.where == "-n" and str(most) in caught.value.fix


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_not_all_measures_take_is_refused_at_the_door(seed):
    with pytest.raises(ConfigError, match=f"seed is {seed}"):
        Sets(model(), vectors(), seed=seed)


def test_a_set_of_one_row_is_refused():
    with pytest.raises(ConfigError, match="1 rows"):
        Sets(model(), vectors(), n=1)


def test_the_mean_image_is_the_mean_of_all_training_rows():
    data = images()
    sets = Sets(model(), data)
    expected = (data.train.values.double().mean(0)).round()
    assert (sets.rows("mean").double() - expected).abs().max() <= 1  # it is rounded from float32
    assert len(sets.rows("mean")) == 9 and len(sets.rows("mean").unique(dim=0)) == 1


def test_the_gaussian_has_the_training_rows_mean_and_covariance():
    mixing = torch.tensor([[2.0, 0, 0, 0], [1, 1, 0, 0], [0, -1, 0.5, 0], [0, 0, 0, 0]])
    rows = torch.randn(3000, D, generator=torch.Generator().manual_seed(1)) @ mixing + 5
    data = Data("correlated", (D,), None, Split(rows), Split(rows[:2500]))
    drawn = Sets(model(), data).rows("gaussian")
    assert torch.allclose(drawn.mean(0), rows.mean(0), atol=0.15)
    assert torch.allclose(drawn.T.cov(), rows.T.cov(), atol=0.4)
    assert float(drawn[:, 3].std()) < 1e-4  # a constant pixel stays constant


def test_the_gaussian_of_images_is_cut_to_the_range_and_rounded():
    drawn = Sets(model(), images()).rows("gaussian")
    assert drawn.dtype == torch.uint8 and drawn.shape == (9, 1, 5, 7)
    assert (drawn == 0).any() and (drawn == 255).any()


def test_generated_rows_repeat_under_a_seed_and_change_with_it():
    data = vectors()
    made = [Sets(model(), data, seed=seed).rows("generation") for seed in (4, 4, 5)]
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_reconstructions_are_of_the_very_test_rows():
    data, autoencoder = vectors(), model()
    sets = Sets(autoencoder, data, n=7)
    assert torch.equal(sets.rows("reconstruction"), autoencoder.reconstruct(sets.rows("test")))


def test_making_sets_leaves_the_global_random_state_alone():
    sets = Sets(model(), vectors())
    before = torch.get_rng_state()
    for name in ("test", "train-1", "train-2", "floor", "reconstruction", "generation", "mean", "gaussian"):
        sets.rows(name)
    assert torch.equal(torch.get_rng_state(), before)


def test_bytes_are_rounded_to_the_nearest_and_cut():
    x = torch.tensor([[-0.5, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 7.0]])
    assert as_bytes(x, (0.0, 1.0)).tolist() == [[0, 0, 0, 1, 255, 255]]
    assert as_bytes(torch.tensor([-1.0, 0.0, 1.0]), (-1.0, 1.0)).tolist() == [0, 128, 255]


def test_stretching_moves_each_image_to_the_whole_range_by_itself():
    x = torch.tensor([[[[0.2, 0.3]]], [[[0.5, 0.9]]], [[[0.4, 0.4]]]])
    assert stretch(x).flatten(1).tolist() == [[0, 1], [0, 1], [0, 0]]


def test_a_decoder_that_makes_nan_is_told_with_the_number_of_rows():
    class Broken(Back):
        def forward(self, z):
            return super().forward(z).masked_fill(z[:, :1] > 0, float("nan"))

    autoencoder = Autoencoder(Lines(), Broken(), Fixed(), shape=(D,), range=None).eval()
    with pytest.raises(AezooError, match=r"of 12 generated rows"):
        Sets(autoencoder, vectors()).rows("generation")


def test_references_of_many_training_rows_read_some_of_them_alone():
    """A short evaluation must not read a large folder whole."""
    data = images(train=5000, test=10)
    rows = Reading(data.train.values)
    mean = Sets(model(), replace(data, train=Split(rows))).mean_row()
    read = torch.cat(rows.read)
    assert len(read) == 2000 == len(read.unique(dim=0)) and not torch.equal(read, rows.values[:2000])
    assert torch.allclose(mean.double(), data.x(read).double().mean(0), atol=1e-6)
