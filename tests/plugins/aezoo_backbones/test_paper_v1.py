"""The earlier version's tables."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from aezoo.errors import ConfigError
from aezoo_backbones.paper_v1 import PaperV1
from tests.plugins.aezoo_backbones.bodies import count


@pytest.mark.parametrize(
    ("side", "channels", "features", "first"),
    [(28, 1, 7 * 7 * 512, 7 * 7 * 256), (32, 3, 4 * 4 * 1024, 8 * 8 * 512), (64, 3, 16384, 16 * 16 * 512)],
)
def test_paper_v1_has_the_papers_map_sizes(side, channels, features, first):
    with torch.device("meta"):  # shapes without the arithmetic: the networks are large
        body, decoder = (
            PaperV1().encoder((channels, side, side)),
            PaperV1().decoder(2, (channels, side, side)),
        )
        assert body(torch.empty(2, channels, side, side)).shape == (2, features)
        assert decoder(torch.empty(2, 2)).shape == (2, channels, side, side)
    assert body.features == features
    assert decoder[0].out_features == first


def test_paper_v1_first_mnist_layers_have_the_tables_parameters():
    with torch.device("meta"):
        body = PaperV1().encoder((1, 28, 28))
    convs = [m for m in body.modules() if isinstance(m, nn.Conv2d)]
    widths = [1, 64, 128, 256, 512, 512]
    expected = [16 * a * b + b for a, b in pairwise(widths)]
    assert [count(m) for m in convs] == expected
    assert [m.stride[0] for m in convs] == [1, 1, 2, 2, 1]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 28), (128,)])
def test_paper_v1_refuses_sides_without_a_table(shape):
    with pytest.raises(ConfigError, match="28x28, 32x32 and 64x64"):
        PaperV1().decoder(2, shape)
