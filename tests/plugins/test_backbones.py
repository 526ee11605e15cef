"""The networks' bodies: sides, sizes and initial weights."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from aezoo.config.check import settings_of
from aezoo.errors import ConfigError
from aezoo_backbones.conv import Conv, LastDoubling, halvings
from aezoo_backbones.flexae import FlexAE
from aezoo_backbones.mlp import MLPBackbone
from aezoo_backbones.paper_v1 import PaperV1
from aezoo_backbones.synthetic import Synthetic

CONV_SHAPES = [(1, 8, 8), (1, 28, 28), (1, 17, 23), (3, 64, 64), (2, 1, 1), (1, 7, 40), (3, 5, 4)]


def count(module):
    return sum(p.numel() for p in module.parameters())


def mirrors(backbone, shape, batch=2, latent_dim=3):
    body, decoder = backbone.encoder(shape), backbone.decoder(latent_dim, shape)
    features = body(torch.rand(batch, *shape))
    assert features.shape == (batch, body.features)
    assert decoder(torch.randn(batch, latent_dim)).shape == (batch, *shape)


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


def test_flexae_has_the_released_codes_number_of_parameters():
    encoder = (
        (16 * 1 * 64 + 64)
        + (16 * 64 * 128 + 128)
        + 2 * 128  # BatchNorm
        + (7 * 7 * 128 * 1024 + 1024)
        + 2 * 1024
    )
    decoder = (
        (32 * 1024 + 1024)
        + 2 * 1024
        + (1024 * 7 * 7 * 128 + 7 * 7 * 128)
        + 2 * 7 * 7 * 128
        + (16 * 128 * 128 + 128)
        + 2 * 128
        + (16 * 128 * 64 + 64)
        + 2 * 64
        + (9 * 64 * 1 + 1)
    )
    assert encoder == 6_558_144
    assert count(FlexAE().encoder((1, 28, 28))) == encoder
    assert count(FlexAE().decoder(32, (1, 28, 28))) == decoder


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 12)])
def test_flexae_mirrors_the_shape(shape):
    mirrors(FlexAE(), shape)


def test_flexae_batch_norm_has_tensorflows_momentum_and_eps():
    for net in (FlexAE().encoder((1, 8, 8)), FlexAE().decoder(2, (1, 8, 8))):
        norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        assert norms and all((m.momentum, m.eps) == (0.01, 1e-3) for m in norms)


def test_flexae_initial_weights_are_glorot_uniform_and_glorot_normal_with_zero_biases():
    encoder, decoder = FlexAE().encoder((1, 8, 8)), FlexAE().decoder(32, (1, 8, 8))
    full = next(m for m in encoder.modules() if isinstance(m, nn.Linear)).weight.detach()
    bound = math.sqrt(6 / (512 + 1024))
    assert full.abs().max() <= bound
    assert full.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)
    first = next(m for m in decoder.modules() if isinstance(m, nn.Linear)).weight.detach()
    std = math.sqrt(2 / (32 + 1024))
    assert first.std().item() == pytest.approx(std, rel=0.03)
    assert first.abs().max() <= 2 * std / 0.8796
    for net in (encoder, decoder):
        for layer in net.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                assert not layer.bias.any()


@pytest.mark.parametrize("shape", [(1, 30, 28), (1, 17, 23), (128,)])
def test_flexae_refuses_sides_that_are_no_multiples_of_4_and_names_conv(shape):
    with pytest.raises(ConfigError) as caught:
        FlexAE().encoder(shape)
    assert "'conv'" in caught.value.fix


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


@pytest.mark.parametrize("shape", [(5,), (1, 8, 8), (2, 3, 1)])
@pytest.mark.parametrize("skip", [False, True])
def test_mlp_takes_any_shape(shape, skip):
    mirrors(MLPBackbone((16, 8), skip), shape)


def test_mlp_skip_appends_the_input_itself():
    body = MLPBackbone((7,), skip=True).encoder((3,))
    x = torch.randn(4, 3)
    assert body.features == 7 + 3
    assert torch.equal(body(x)[:, 7:], x)


def test_mlp_second_stage_has_the_two_stage_vaes_parameters():
    m = 64
    hidden = (m * 1024 + 1024) + 2 * (1024 * 1024 + 1024)
    backbone = MLPBackbone((1024, 1024, 1024), skip=True)
    assert count(backbone.encoder((m,))) == hidden
    assert count(backbone.decoder(m, (m,))) == hidden + (1024 + m) * m + m


def test_mlp_without_hidden_layers_is_refused():
    with pytest.raises(ValidationError):
        settings_of(MLPBackbone)(hidden=())


def test_synthetic_decoder_is_a_single_affine_layer():
    backbone = Synthetic()
    mirrors(backbone, (128,))
    assert isinstance(backbone.decoder(2, (128,)), nn.Linear)
    assert count(backbone.encoder((128,))) == 128 * 128 + 128


def test_synthetic_refuses_images():
    with pytest.raises(ConfigError, match="vectors"):
        Synthetic().encoder((1, 8, 8))
