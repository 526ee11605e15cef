"""TensorFlow's "same" padding, against values worked by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from aezoo.errors import ConfigError
from aezoo.nets.same import SameConv2d, SameConvTranspose2d, same_padding


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "expected"),
    [
        (28, 4, 2, (1, 1)),
        (28, 5, 2, (1, 2)),
        (28, 4, 1, (1, 2)),
        (28, 5, 1, (2, 2)),
        (7, 4, 2, (1, 2)),
        (4, 1, 2, (0, 0)),
    ],
)
def test_padding_equals_the_values_worked_by_hand(side, kernel, stride, expected):
    assert same_padding(side, kernel, stride) == expected


def ones(layer):
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.zero_()
    return layer


def test_a_kernel_of_4_sees_one_pixel_before_and_two_after():
    x = torch.tensor([[1.0, 10.0, 100.0, 1000.0]])[None, None]  # [1, 1, 1, 4]
    y = ones(SameConv2d(1, 1, 4))(x)
    assert y.shape == x.shape
    assert y.flatten().tolist() == [111.0, 1111.0, 1110.0, 1100.0]


def test_a_transposed_kernel_of_4_crops_one_at_the_start_and_two_at_the_end():
    x = torch.tensor([[1.0, 10.0]])[None, None]
    layer = ones(SameConvTranspose2d(1, 1, 4))
    # one row of the full output is [1, 11, 11, 11, 10]; the height 1 is likewise cropped
    assert layer(x).flatten().tolist() == [11.0, 11.0]


def test_a_transposed_kernel_of_5_with_stride_2_crops_the_full_output():
    layer = SameConvTranspose2d(2, 3, 5, 2)
    x = torch.randn(2, 2, 4, 6)
    full = F.conv_transpose2d(x, layer.weight, layer.bias, 2)  # sides 2 n + 3
    torch.testing.assert_close(layer(x), full[..., 1:-2, 1:-2])


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 12), width=st.integers(1, 12), kernel=st.integers(1, 6), stride=st.integers(1, 3)
)
def test_every_side_is_divided_by_the_stride_and_rounded_up(height, width, kernel, stride):
    y = SameConv2d(1, 2, kernel, stride)(torch.zeros(1, 1, height, width))
    assert y.shape[2:] == (-(-height // stride), -(-width // stride))


@settings(max_examples=40, deadline=None)
@given(side=st.integers(1, 8), stride=st.integers(1, 3), more=st.integers(0, 3), seed=st.integers(0, 99))
def test_the_transposed_layer_is_the_adjoint_of_the_convolution(side, stride, more, seed):
    down, up = SameConv2d(2, 3, stride + more, stride), SameConvTranspose2d(3, 2, stride + more, stride)
    with torch.no_grad():
        up.weight.copy_(down.weight)
        up.bias.zero_()
        down.bias.zero_()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, 2, side * stride, side * stride, generator=generator)
    y = torch.randn(1, 3, side, side, generator=generator)
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum(), atol=1e-4, rtol=1e-4)


def test_a_transposed_kernel_smaller_than_its_stride_is_refused():
    with pytest.raises(ConfigError, match="leaves gaps"):
        SameConvTranspose2d(1, 1, 1, 2)
