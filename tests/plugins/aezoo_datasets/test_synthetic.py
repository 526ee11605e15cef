"""The synthetic sets: the truth behind them."""

import functools

import pytest
import torch

from aezoo_datasets.synthetic import COMPONENTS, Synthetic2D, Synthetic5D, draw, draw_splits, random_map
from tests.draws import seeded

splits = functools.cache(draw_splits)


def test_the_2d_means_are_the_first_two_coordinates_of_the_5d_ones():
    printed = [(0, 0), (5, 5), (-5, 5), (5, -1.5), (-2, -7), (-4, -3)]
    assert [mean[:2] for mean, _ in COMPONENTS] == printed
    two, five = draw_splits(2)[0], draw_splits(5)[0]
    for k, mean in enumerate(printed):
        for rows in (two, five):
            found = rows.latents[rows.labels == k].mean(0)[:2]
            torch.testing.assert_close(found, torch.tensor(mean).double(), atol=0.1, rtol=0)


@pytest.mark.parametrize("dim", [2, 5])
def test_the_papers_covariance_numbers_are_variances(dim):
    train, _ = splits(dim)
    for k, variance in enumerate([1.0, 1.0, 0.5, 0.95, 0.5, 0.75]):
        found = train.latents[train.labels == k].var(0)
        assert found.tolist() == pytest.approx([variance] * dim, rel=0.12)  # 2500 rows: 4 deviations


def test_train_rows_are_2500_of_each_component_in_mixed_order():
    train, test = splits(2)
    assert train.labels.bincount().tolist() == [2500] * 6
    assert train.labels[:200].unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert len(test.labels) == 10_000 and test.labels.bincount().min() > 1500


@pytest.mark.parametrize("dataset", [Synthetic2D, Synthetic5D])
def test_synthetic_vectors_are_float32_in_range_and_repeatable(dataset):
    data, again = dataset().load(), dataset().load()
    assert data.shape == (128,) and data.range == (-1.0, 1.0) and not data.is_image
    assert data.train.values.dtype == torch.float32
    assert data.train.values.abs().max() <= 1.0
    assert torch.equal(data.train.values, again.train.values)
    assert torch.equal(data.test.values, again.test.values)


def test_seeds_of_the_map_and_of_the_rows_are_separate():
    plain, other_map, other_rows = splits(2), splits(2, map_seed=1), splits(2, seed=1)
    assert torch.equal(plain[0].latents, other_map[0].latents)
    assert not torch.equal(plain[0].vectors, other_map[0].vectors)
    assert not torch.equal(plain[0].latents, other_rows[0].latents)


def test_load_gives_the_vectors_of_the_latents_that_draw_splits_gives():
    train, test = splits(5)
    data = Synthetic5D().load()
    assert torch.equal(data.train.values, train.vectors) and torch.equal(data.test.labels, test.labels)


def test_the_map_is_tanh_exp_tanh_of_the_printed_spreads():
    f = random_map(2, seeded())
    for (weight, bias), std in zip(f.layers, (0.05, 0.2, 0.1), strict=True):
        assert weight.std().item() == pytest.approx(std, rel=0.2)
        assert bias.std().item() == pytest.approx(std, rel=0.3)
    (w1, b1), (w2, b2), (w3, b3) = f.layers
    z = torch.tensor([1.0, -2.0]).double()
    by_hand = torch.tanh(w3 @ torch.exp(w2 @ torch.tanh(w1 @ z + b1) + b2) + b3)
    torch.testing.assert_close(f(z[None])[0], by_hand)


def test_the_2d_manifold_has_a_jacobian_of_rank_2_everywhere_sampled():
    train, _ = splits(2)
    f = random_map(2, seeded())
    slopes = torch.func.vmap(torch.func.jacrev(lambda z: f(z[None])[0]))(train.latents[:300])
    assert slopes.shape == (300, 128, 2)
    assert torch.linalg.matrix_rank(slopes).eq(2).all()


@pytest.mark.parametrize(("reading", "low", "high"), [("std", 0.05, 0.30), ("variance", 0.9, 1.0)])
def test_read_as_variances_the_map_saturates(reading, low, high):
    labels = torch.arange(6).repeat(200)
    shares = [
        (draw(labels, random_map(2, seeded(s), reading), seeded(s)).vectors.abs() > 0.99).float().mean()
        for s in range(5)
    ]
    assert low < torch.stack(shares).mean() < high  # measured over ten maps: 0.14 and 0.99
