"""scikit-learn's digits: split, range, size."""

import pytest
import torch

from aezoo_datasets.digits import Digits


def test_digits_have_their_fixed_split():
    data, again = Digits().load(), Digits().load()
    assert torch.equal(data.train.labels, again.train.labels)
    assert torch.equal(data.test.labels, again.test.labels)
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert data.shape == (1, 8, 8) and data.classes == tuple("0123456789")
    assert data.train.labels.bincount().tolist() != [0] * 10
    assert (data.train.labels.bincount() + data.test.labels.bincount()).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip  # counts published with the data


def test_digits_keep_the_sums_of_the_images_scikit_learn_gives():
    from sklearn.datasets import load_digits

    data = Digits().load()
    total = data.train.values.long().sum() + data.test.values.long().sum()
    assert total.item() == int(load_digits().images.sum())


@pytest.mark.parametrize("image_size", [None, 4, 28])
def test_digits_lie_in_the_declared_range(image_size):
    data = Digits(image_size).load()
    x = data.x(data.train.values)
    side = image_size or 8
    assert x.dtype == torch.float32 and x.shape[1:] == (1, side, side) == data.shape
    assert x.min() >= 0.0 and x.max() <= 1.0
    assert data.train.values.dtype == torch.uint8


def test_resized_digits_keep_their_ink():
    plain, large = Digits().load(), Digits(32).load()
    a, b = plain.x(plain.test.values), large.x(large.test.values)
    torch.testing.assert_close(a.mean((1, 2, 3)), b.mean((1, 2, 3)), atol=0.02, rtol=0)
