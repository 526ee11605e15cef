"""Which rows an extractor takes, and how images of other sizes and colours become its own."""

import pytest
import torch

from aezoo.api import ConfigError
from aezoo_extractors.identity import Identity
from aezoo_extractors.pixels import Pixels
from aezoo_extractors.random_conv import RandomConv
from aezoo_extractors.shapes import colour, rule
from tests.images import ramp


def test_pixels_are_the_values_channel_by_channel():
    x = ramp(2, 2, 3)
    assert torch.equal(Pixels(shape=(2, 2, 3))(x), torch.arange(12).view(1, 12) / 255)


def test_identity_gives_vectors_back():
    x = torch.tensor([[1.0, -2.0]])
    assert torch.equal(Identity(shape=(2,))(x), x)


@pytest.mark.parametrize(("part", "shape"), [(Pixels, (5,)), (RandomConv, (5,)), (Identity, (1, 8, 8))])
def test_rows_of_the_other_kind_are_refused(part, shape):
    with pytest.raises(ConfigError, match=r"takes .*, and rows of this dataset have shape"):
        part(shape=shape)


def test_colours_become_grey_by_luma_and_grey_is_repeated():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert colour(red, 1).item() == pytest.approx(0.299)
    assert torch.equal(colour(torch.full((1, 1, 1, 1), 0.5), 3), torch.full((1, 3, 1, 1), 0.5))
    assert colour(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1), 3).flatten().tolist() == [0.5] * 3


@pytest.mark.parametrize(
    ("shape", "own", "said"),
    [
        ((1, 8, 8), (1, 8, 8), "none"),
        ((3, 8, 8), (1, 8, 8), "grey by luma"),
        ((1, 28, 28), (3, 32, 32), "grey repeated, antialiased bilinear to 32x32"),
        ((2, 32, 32), (3, 32, 32), "grey by mean, grey repeated"),
    ],
)
def test_the_protocol_says_how_images_are_resized(shape, own, said):
    assert rule(shape, own) == said
