"""The decoder's range."""

import pytest
import torch

from aezoo.errors import ConfigError
from aezoo_backbones.mlp import MLPBackbone
from aezoo_encoders.decoder import BackboneDecoder
from tests.draws import seeded

SHAPE, M = (6,), 3
BACKBONE = MLPBackbone((8,))


@pytest.mark.parametrize("range_", [(0.0, 1.0), (-1.0, 1.0), (2.0, 5.0)])
def test_decoder_stays_in_the_range_and_reaches_its_ends(range_):
    decoder = BackboneDecoder(BACKBONE, SHAPE, M, range=range_)
    with torch.no_grad():
        x_hat = decoder(1e4 * torch.randn(50, M, generator=seeded()))
    assert x_hat.min().item() == pytest.approx(range_[0])
    assert x_hat.max().item() == pytest.approx(range_[1])


def test_decoder_of_unbounded_vectors_is_the_body_alone():
    decoder = BackboneDecoder(BACKBONE, SHAPE, M, range=None)
    z = torch.randn(4, M, generator=seeded())
    assert torch.equal(decoder(z), decoder.body(z))


def test_decoder_uses_a_sigmoid_for_images_and_tanh_for_symmetric_vectors():
    z = torch.randn(4, M, generator=seeded())
    images = BackboneDecoder(BACKBONE, SHAPE, M, range=(0.0, 1.0))
    vectors = BackboneDecoder(BACKBONE, SHAPE, M, range=(-1.0, 1.0))
    assert torch.equal(images(z), images.body(z).sigmoid())
    assert torch.equal(vectors(z), vectors.body(z).tanh())


def test_decoder_refuses_an_empty_range():
    with pytest.raises(ConfigError, match="empty"):
        BackboneDecoder(BACKBONE, SHAPE, M, range=(1.0, 1.0))
