"""The networks of the synthetic sets."""

import pytest
from torch import nn

from aezoo.errors import ConfigError
from aezoo_backbones.synthetic import Synthetic
from tests.plugins.aezoo_backbones.bodies import count, mirrors


def test_synthetic_decoder_is_a_single_affine_layer():
    backbone = Synthetic()
    mirrors(backbone, (128,))
    assert isinstance(backbone.decoder(2, (128,)), nn.Linear)
    assert count(backbone.encoder((128,))) == 128 * 128 + 128


def test_synthetic_refuses_images():
    with pytest.raises(ConfigError, match="vectors"):
        Synthetic().encoder((1, 8, 8))
