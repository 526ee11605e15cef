"""Full layers, and what is handed past them."""

import pytest
import torch
from pydantic import ValidationError

from aezoo.config.check import settings_of
from aezoo_backbones.mlp import MLPBackbone
from tests.plugins.aezoo_backbones.bodies import count, mirrors


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
