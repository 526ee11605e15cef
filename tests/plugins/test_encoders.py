"""Encoders and the decoder's range."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from aezoo.errors import ConfigError
from aezoo_backbones.mlp import MLPBackbone
from aezoo_encoders.decoder import BackboneDecoder
from aezoo_encoders.gaussian import LOG_VAR_BOUND, Gaussian
from aezoo_encoders.point import Point

SHAPE, M = (6,), 3
BACKBONE = MLPBackbone((8,))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def x(batch=5):
    return torch.randn(batch, *SHAPE, generator=seeded(1))


def gaussian():
    return Gaussian(BACKBONE, SHAPE, M)


def test_point_gives_a_code_and_nothing_else():
    posterior = Point(BACKBONE, SHAPE, M)(x(), seeded())
    assert posterior.z.shape == (5, M)
    assert posterior.mean is posterior.log_var is posterior.log_q is None


def test_point_has_no_noise():
    point = Point(BACKBONE, SHAPE, M)
    assert torch.equal(point(x(), seeded()).z, point(x()).z)


def test_gaussian_without_a_generator_gives_the_mean():
    posterior = gaussian()(x())
    assert torch.equal(posterior.z, posterior.mean)


def test_gaussian_same_generator_same_code():
    encoder = gaussian()
    a, b, c = encoder(x(), seeded(3)), encoder(x(), seeded(3)), encoder(x(), seeded(4))
    assert torch.equal(a.z, b.z)
    assert not torch.equal(a.z, c.z)


@pytest.mark.parametrize("generator", [None, 5])
def test_gaussian_log_q_is_the_density_of_its_own_code(generator):
    posterior = gaussian()(x(), generator and seeded(generator))
    q = torch.distributions.Normal(posterior.mean, (0.5 * posterior.log_var).exp())
    torch.testing.assert_close(posterior.log_q, q.log_prob(posterior.z).sum(1))


def test_gaussian_reparameterisation_has_slope_1_by_mean_and_eps_by_deviation():
    class Given(nn.Module):  # features are the heads' outputs themselves
        features = 2 * M

        def forward(self, x):
            return x

    encoder = gaussian()
    encoder.body = Given()
    for head, rows in ((encoder.mean, slice(0, M)), (encoder.log_var, slice(M, 2 * M))):
        head.weight = nn.Parameter(torch.eye(2 * M)[rows])
        head.bias = nn.Parameter(torch.zeros(M))
    eps = torch.randn(1, M, generator=seeded(7))

    def code(mean, std):
        return encoder(torch.cat([mean, 2 * std.log()])[None], seeded(7)).z[0]

    point = (torch.randn(M, generator=seeded(8)), torch.tensor([0.5, 1.0, 2.0]))
    by_mean, by_std = torch.autograd.functional.jacobian(code, point)
    torch.testing.assert_close(by_mean, torch.eye(M))
    torch.testing.assert_close(by_std, torch.diag(eps[0]))


def test_gaussian_spread_is_that_of_its_log_var():
    encoder = gaussian()
    with torch.no_grad():
        posterior = encoder(x(1).expand(20_000, -1), seeded(2))
    standard = (posterior.z - posterior.mean) / (0.5 * posterior.log_var).exp()
    torch.testing.assert_close(standard.mean(0), torch.zeros(M), atol=0.03, rtol=0)
    torch.testing.assert_close(standard.std(0), torch.ones(M), atol=0.03, rtol=0)


def test_gaussian_log_var_stays_finite_for_wild_inputs():
    posterior = gaussian()(1e6 * x(), seeded())
    assert posterior.log_var.abs().max() <= LOG_VAR_BOUND
    assert all(t.isfinite().all() for t in (posterior.z, posterior.log_q, posterior.log_var.exp()))


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
