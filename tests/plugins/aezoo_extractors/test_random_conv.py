"""Kernels drawn from Python's own generator, and which extractor a dataset gets."""

import math
import random

import pytest
import torch

from aezoo.api import load_dataset
from aezoo.metrics import frechet_distance
from aezoo.registry import registry
from aezoo.resolve import resolve
from aezoo_extractors.classifier import DigitsClassifier
from aezoo_extractors.random_conv import RandomConv
from tests.images import ramp

PINNED = {  # features of `ramp`, made on one machine
    "grey": [0.134491, 0.091954, 0.018207, 0.0, 1.279472, 0.450634, 1.408658, 0.311248],
    "odd": [0.080388, 0.183719, 0.368534, 0.518714],
}


def test_the_kernels_of_random_conv_are_pythons_random_numbers():
    (first, *_) = RandomConv(shape=(1, 8, 8)).kernels
    draw = random.Random(0).random()
    assert draw == 0.8444218515250481  # known the world over
    assert first[0, 0, 0, 0].item() == pytest.approx(math.sqrt(6 / 9) * (2 * draw - 1), rel=1e-6)


def test_random_conv_gives_the_same_numbers_on_any_machine():
    grey = RandomConv(shape=(1, 8, 8))(ramp(1, 8, 8))[0]
    some = torch.tensor(PINNED["grey"])
    torch.testing.assert_close(grey[[0, 1, 2, 3, 63, 100, 150, 192]], some, atol=1e-4, rtol=1e-4)
    odd = RandomConv(shape=(3, 17, 23))(ramp(3, 17, 23))[0]
    torch.testing.assert_close(odd[[0, 64, 128, 192]], torch.tensor(PINNED["odd"]), atol=1e-4, rtol=1e-4)


def test_the_first_features_of_random_conv_are_means_of_a_convolution():
    """By hand: one pixel, so that the kernel's middle alone sees it, and each quarter is that pixel."""
    extractor = RandomConv(shape=(1, 1, 1))
    found = extractor(torch.ones(1, 1, 1, 1))[0]
    middle = extractor.kernels[0][:, 0, 1, 1].clamp(min=0)
    assert torch.allclose(found[:64], middle.repeat_interleave(4))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 8, 8), (3, 28, 28), (1, 17, 23), (5, 2, 70)])
@pytest.mark.parametrize("part", [RandomConv, DigitsClassifier])
def test_images_of_any_size_and_number_of_channels_have_features(part, shape):
    found = part(shape=shape)(ramp(*shape).repeat(2, 1, 1, 1))
    assert found.shape == (2, 256 if part is RandomConv else 32) and bool(found.isfinite().all())


@pytest.mark.parametrize("part", [RandomConv, DigitsClassifier])
def test_the_further_images_are_from_the_data_the_further_their_features(part):
    data = load_dataset("digits")
    x, extractor = data.x(data.test.values), part(shape=data.shape).eval()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    noisy = (extractor((x + size * noise).clamp(0, 1)) for size in (0.1, 0.2, 0.4))
    found = [frechet_distance(extractor(x), features) for features in noisy]
    assert 0 < found[0] < found[1] < found[2]


@pytest.mark.parametrize(
    ("dataset", "extractor"),
    [
        ("digits", "classifier-digits"),
        ("mnist", "classifier-mnist"),
        ("fashion-mnist", "classifier-fashion-mnist"),
        ("cifar10", "classifier-cifar10"),
        ("synthetic-2d", "identity"),
        ("synthetic-5d", "identity"),
        ("celeba", None),
        ("folder", None),
        ("npz", None),
    ],
)
def test_a_dataset_brings_its_extractor(dataset, extractor):
    assert registry.find("dataset", dataset).defaults.get("extractor") == extractor
    assert registry.default("extractor").name == "random-conv"


def test_an_extractor_that_a_dataset_brings_is_no_section_of_a_run():
    config = resolve(flags={"test": {"dataset": "mnist"}})
    assert config.dataset.name == "mnist" and not hasattr(config, "extractor")
