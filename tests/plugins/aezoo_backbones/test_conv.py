"""Any sides, halved at most four times."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from aezoo.config.check import settings_of
from aezoo.errors import ConfigError
from aezoo_backbones.conv import Conv, LastDoubling, halvings
from tests.plugins.aezoo_backbones.bodies import mirrors

CONV_SHAPES = [(1, 8, 8), (1, 28, 28), (1, 17, 23), (3, 64, 64), (2, 1, 1), (1, 7, 40), (3, 5, 4)]


@pytest.mark.parametrize("shape", CONV_SHAPES)
@pytest.mark.parametrize("size", ["small", "base"])
def test_conv_decoder_mirrors_the_shape(shape, size):
    mirrors(Conv(size), shape)


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)))
def test_conv_takes_any_sides(shape):
    mirrors(Conv("small"), shape)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 2000), st.integers(1, 2000))
def test_conv_never_halves_a_side_below_four_or_more_than_four_times(height, width):
    sides = halvings((height, width))
    assert len(sides) <= 5
    assert min(sides[-1]) >= min(4, height, width)
    assert len(sides) == 5 or min(sides[-1]) < 8


def test_conv_last_doubling_is_a_transposed_convolution_with_kernel_4():
    for target in [(6, 8), (7, 8), (7, 9)]:
        last = LastDoubling(5, 2, target)
        w = torch.randn(5, 2, 4, 4)
        # the tap of input row j - t (t = 0, 1) in phase r is w[2 t + r]; a 2x2 kernel runs t = 1, 0
        phases = w.view(5, 2, 2, 2, 2, 2).flip(2, 4).permute(1, 3, 5, 0, 2, 4).reshape(8, 5, 2, 2)
        bias = torch.randn(2)
        with torch.no_grad():
            last.phases.weight.copy_(phases)
            last.phases.bias.copy_(bias.repeat_interleave(4))
        x = torch.randn(2, 5, 3, 4)
        odd = (target[0] % 2, target[1] % 2)
        expected = nn.functional.conv_transpose2d(x, w, bias, 2, 1, odd)
        torch.testing.assert_close(last(x), expected)


def test_conv_outputs_are_unbounded():
    decoder = Conv("small").decoder(4, (1, 8, 8)).eval()
    with torch.no_grad():
        y = decoder(1000 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    assert y.min() < 0 and y.max() > 1


def test_conv_refuses_vectors_and_unknown_sizes():
    with pytest.raises(ConfigError, match="mlp"):
        Conv().encoder((128,))
    with pytest.raises(ValidationError):
        settings_of(Conv)(size="huge")
