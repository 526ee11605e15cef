"""What is found in a model that keeps pixels as codes, so that every number is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from aezoo import explore
from aezoo.api import Autoencoder, Data, Decoder, Encoder, LatentPrior, Posterior, Split
from aezoo.errors import AezooError, ConfigError
from aezoo.explore import nearest
from tests.toyparts import Reading, autoencoder

SHAPE = (1, 2, 2)


class Flat(Encoder):
    """Codes are the pixels, with a posterior around them."""

    latent_dim = 4

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        z = x.flatten(1) + 0 * self.weight
        return Posterior(z, mean=z, log_var=z - 1)

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))


class Image(Decoder):
    def forward(self, z: Tensor) -> Tensor:
        return z.unflatten(1, SHAPE)


class Uniform(LatentPrior):
    latent_dim = 4

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.rand(n, 4, generator=generator)


MODEL = Autoencoder(Flat(), Image(), Uniform(), shape=SHAPE, range=(0.0, 1.0))


def rows(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *SHAPE), generator=generator, dtype=torch.uint8)


TRAIN, TEST = rows(300, 0), rows(150, 1)
DATA = Data(
    "toys",
    SHAPE,
    (0.0, 1.0),
    train=Split(TRAIN, torch.arange(300) % 3, (TRAIN[:, 0, 0] > 128).byte()),
    test=Split(TEST, torch.arange(150) % 3, (TEST[:, 0, 0] > 128).byte()),
    scale=1 / 255,
    classes=("cat", "dog", "2nd dog"),
    attributes=("Big_Left", "Small_Right"),
)
PLAIN = replace(DATA, train=Split(TRAIN), test=Split(TEST), classes=(), attributes=())


def streamed(data: Data) -> Data:
    return replace(
        data,
        train=replace(data.train, values=Reading(data.train.values)),
        test=replace(data.test, values=Reading(data.test.values)),
    )


# --- interpolate


@pytest.mark.parametrize("mode", ["linear", "spherical"])
def test_both_ends_of_a_path_are_the_reconstructions(mode):
    found = explore.interpolate(MODEL, DATA, n=5, steps=5, mode=mode)
    for end, place in ((0, 0), (1, -1)):
        assert torch.equal(found.x[:, end], DATA.x(TEST[found.rows[:, end]]))
        assert torch.equal(found.x_hat[:, place], MODEL.reconstruct(found.x[:, end]))
    assert found.codes.shape == (5, 5, 4) and found.x_hat.shape == (5, 5, *SHAPE)


def test_the_middle_of_a_straight_path_is_the_mean_code():
    found = explore.interpolate(MODEL, DATA, n=2)
    assert torch.allclose(found.x_hat[:, 5], found.x.mean(dim=1), atol=1e-6)


def test_pairs_are_of_different_images_and_follow_the_seed():
    first, again, other = (explore.interpolate(MODEL, DATA, n=75, seed=seed) for seed in (1, 1, 2))
    assert sorted(first.rows.flatten().tolist()) == list(range(150))
    assert torch.equal(first.x_hat, again.x_hat) and not torch.equal(first.rows, other.rows)


@pytest.mark.parametrize(
    ("wrong", "said"), [({"n": 76}, "75"), ({"steps": 1}, "steps"), ({"mode": "x"}, "'x'")]
)
def test_a_path_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        explore.interpolate(MODEL, DATA, **wrong)


# --- traverse


def mean_code(wanted: Tensor) -> Tensor:
    return DATA.x(TRAIN[wanted]).flatten(1).double().mean(dim=0)


def test_the_direction_of_an_attribute_is_the_difference_of_mean_codes():
    found = explore.traverse(MODEL, DATA, "Small_Right", n=3)
    has = TRAIN[:, 0, 0, 1] > 128
    assert torch.allclose(found.direction.double(), mean_code(has) - mean_code(~has), atol=1e-6)
    assert (TEST[found.rows, 0, 0, 1] <= 128).all()


def test_multiples_of_the_direction_are_added_and_none_is_the_reconstruction():
    found = explore.traverse(MODEL, DATA, "cat", n=4, range=(-1.0, 3.0), steps=5)
    assert found.multiples.tolist() == [-1, 0, 1, 2, 3]
    assert torch.equal(found.x_hat[:, 1], MODEL.reconstruct(found.x))
    assert torch.allclose(found.codes[:, 4], found.x.flatten(1) + 3 * found.direction, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "positive", "negative"),
    [
        ("dog", [1], [0, 2]),
        ("1", [1], [0, 2]),
        ("2ND DOG", [2], [0, 1]),
        ("dog,cat", [1], [0]),
        ("2, dog", [2], [1]),
    ],
)
def test_classes_go_by_name_or_number_and_from_one_to_another(name, positive, negative):
    found = explore.traverse(MODEL, DATA, name, n=6)
    labels = DATA.train.labels
    expected = [mean_code(torch.isin(labels, torch.tensor(some))) for some in (positive, negative)]
    assert torch.allclose(found.direction.double(), expected[0] - expected[1], atol=1e-6)
    assert set(DATA.test.labels[found.rows].tolist()) <= set(negative)


def test_attributes_may_be_written_as_people_say_them():
    assert explore.traverse(MODEL, DATA, "big left", n=1).title == "Big_Left"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Big_Lift", "'Big_Left'"),
        ("dgo", "'dog'"),
        ("cat,dgo", "'dog'"),
        ("7", "cat, dog"),
        ("zzz", "Big_Left, S"),
    ],
)
def test_an_unknown_attribute_is_told_the_nearest_names(name, said):
    with pytest.raises(ConfigError) as told:
        explore.traverse(MODEL, DATA, name)
    assert said in told.value.fix and told.value.where == "--attribute"


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        (PLAIN, {}, "neither attributes nor classes"),
        (replace(PLAIN, train=DATA.train, attributes=("a",), classes=("a",)), {}, "neither"),
        (DATA, {"n": 101}, "101 of 100 test images not of class cat"),
        (DATA, {"attribute": "dog,dog"}, "itself"),
        (DATA, {"range": (1.0, 1.0)}, "range"),
        (DATA, {"range": (0.0, float("inf"))}, "range"),
        (DATA, {"steps": 1}, "steps"),
        (replace(DATA, train=Split(TRAIN, torch.ones(300).long())), {}, "no training image of class cat"),
        (
            replace(DATA, train=Split(TRAIN, torch.zeros(300).long())),
            {},
            "no training image not of class cat",
        ),
    ],
)
def test_a_direction_that_cannot_be_is_refused(data, options, said):
    with pytest.raises(ConfigError, match=said):
        explore.traverse(MODEL, data, **{"attribute": "cat", **options})


# --- neighbours


def brute(a: Tensor, b: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """All distances, one by one."""
    distance = np.array(
        [[np.linalg.norm(row - other) for other in b.double().numpy()] for row in a.double().numpy()]
    )
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return torch.from_numpy(np.take_along_axis(distance, order, 1)), torch.from_numpy(order)


@pytest.mark.parametrize("block", [7, 1024])
def test_neighbours_are_those_of_brute_force_block_by_block(monkeypatch, block):
    monkeypatch.setattr(nearest, "BLOCK", block)
    found = explore.neighbours(MODEL, streamed(DATA), n=5, k=9, seed=3)
    distance, index = brute(found.x_hat.flatten(1), DATA.x(TRAIN).flatten(1), 9)
    assert torch.allclose(found.distance, distance, atol=1e-12)
    assert torch.equal(found.index, index)
    assert torch.equal(found.nearest, DATA.x(TRAIN)[index])


def test_a_copy_is_at_distance_zero_and_equal_rows_keep_their_order(monkeypatch):
    monkeypatch.setattr(nearest, "BLOCK", 2)
    data = replace(PLAIN, train=Split(TRAIN[[4, 5, 5, 4, 5]]))
    wanted = data.x(TRAIN[[5]]).flatten(1)
    distance, index = nearest.nearest_rows(wanted, data, 4, nearest.pixels)
    assert index.tolist() == [[1, 2, 4, 0]] and distance[0, :3].tolist() == [0, 0, 0] and distance[0, 3] > 0


def test_neighbours_may_be_near_in_any_features():
    found = explore.neighbours(MODEL, DATA, n=3, k=1, features=lambda x: x[:, 0, :, :1].flatten(1))
    distance, index = brute(found.x_hat[:, 0, :, 0], DATA.x(TRAIN)[:, 0, :, 0], 1)
    assert torch.equal(found.index, index) and torch.allclose(found.distance, distance)


@pytest.mark.parametrize("wrong", [{"k": 301}, {"k": 0}, {"n": 0}])
def test_more_neighbours_than_rows_are_refused(wrong):
    with pytest.raises(ConfigError, match="300 training images"):
        explore.neighbours(MODEL, DATA, **wrong)


# --- latent


def test_a_cloud_is_on_the_principal_components_of_the_codes():
    found = explore.latent(MODEL, DATA)
    assert torch.equal(found.rows, torch.arange(150)) and torch.equal(found.labels, DATA.test.labels)
    assert found.codes.shape == found.prior.shape == (150, 2)
    variance = found.codes.var(dim=0)
    assert variance[0] >= variance[1]
    assert torch.allclose(variance / DATA.x(TEST).flatten(1).double().var(dim=0).sum(), found.explained)


def test_some_rows_of_a_cloud_keep_their_labels():
    found = explore.latent(MODEL, streamed(DATA), n=40, seed=2)
    assert len(found.rows) == 40 and torch.equal(found.labels, DATA.test.labels[found.rows])
    assert not torch.equal(found.rows, explore.latent(MODEL, DATA, n=40, seed=3).rows)
    with pytest.raises(ConfigError, match="151 of 150 test rows"):
        explore.latent(MODEL, DATA, n=151)


def test_codes_of_two_numbers_are_the_plane_itself():
    model = autoencoder()
    data = Data("vectors", (4,), None, train=Split(torch.rand(9, 4)), test=Split(torch.rand(7, 4)))
    found = explore.latent(model, data)
    assert found.explained is None and found.labels is None
    assert torch.equal(found.codes, model.encode(data.test.values).z)


# --- embed


def test_an_embedding_is_the_codes_of_all_rows_in_order():
    found = explore.embed(MODEL, DATA)
    assert sorted(found) == sorted(
        f"{part}{key}"
        for part in ("train", "test")
        for key in ("", "_mean", "_log_var", "_labels", "_attributes")
    )
    assert torch.equal(found["train"], DATA.x(TRAIN).flatten(1))
    assert torch.equal(found["test_log_var"], DATA.x(TEST).flatten(1) - 1)
    assert torch.equal(found["test_labels"], DATA.test.labels)


def test_what_nobody_knows_is_left_out():
    assert set(explore.embed(MODEL, PLAIN)) == {
        f"{s}{k}" for s in ("train", "test") for k in ("", "_mean", "_log_var")
    }


def test_a_diverged_encoder_is_named():
    broken = replace(PLAIN, test=Split(torch.full((3, *SHAPE), float("nan"))))
    with pytest.raises(AezooError, match="finite"):
        explore.latent(MODEL, broken)


# --- data that are read as needed


def test_data_on_the_disk_are_read_some_rows_at_a_time_and_give_the_same(monkeypatch):
    monkeypatch.setattr(nearest, "BLOCK", 64)
    far = streamed(DATA)
    near, away = explore.embed(MODEL, DATA), explore.embed(MODEL, far)
    assert all(torch.equal(near[name], away[name]) for name in near)
    for data in (DATA, far):
        explore.latent(MODEL, data)
        explore.neighbours(MODEL, data, n=70, k=2)
        explore.traverse(MODEL, data, "dog", n=70)
        explore.interpolate(MODEL, data, n=70)
    assert all(len(rows) <= 64 for part in (far.train, far.test) for rows in part.values.read)
