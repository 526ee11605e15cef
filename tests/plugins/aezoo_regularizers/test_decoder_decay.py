"""The decay of the decoder's weights."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from aezoo.api import ConfigError
from aezoo_regularizers.decoder_decay import DecoderDecay, kernels


def decoder():
    net = nn.Sequential(nn.Linear(2, 4), nn.LayerNorm((2, 2)), nn.ConvTranspose2d(1, 3, 2), nn.BatchNorm2d(3))
    for weight in net.parameters():
        nn.init.constant_(weight, 2.0)
    return net


def terms(part, net):
    return part.terms(SimpleNamespace(model=SimpleNamespace(decoder=net), number=0)).values()


def test_decay_counts_matrices_and_kernels_but_no_biases_and_no_normalisation():
    assert [tuple(weight.shape) for weight in kernels(decoder())] == [(4, 2), (1, 3, 2, 2)]
    assert sum(terms(DecoderDecay(weight=0.5), decoder())) == 0.5 * 4.0 * (8 + 12)


def test_decay_can_spare_the_first_layer():
    assert sum(terms(DecoderDecay(weight=1.0, skip_first=True), decoder())) == 4.0 * 12


def test_decays_gradient_is_twice_the_weight():
    net = nn.Linear(2, 2)
    (term,) = terms(DecoderDecay(weight=0.5), net)
    to_weight, to_bias = torch.autograd.grad(term, [net.weight, net.bias], allow_unused=True)
    torch.testing.assert_close(to_weight, net.weight.detach())
    assert to_bias is None


def test_a_decoder_with_nothing_to_decay_is_refused():
    with pytest.raises(ConfigError, match="no weight matrix"):
        DecoderDecay(skip_first=True).attach(SimpleNamespace(decoder=nn.Linear(2, 2)))
