"""The released code's networks: sizes and initial weights."""

import math

import pytest
from torch import nn

from aezoo.errors import ConfigError
from aezoo_backbones.flexae import FlexAE
from tests.plugins.aezoo_backbones.bodies import count, mirrors


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
