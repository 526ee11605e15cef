"""A Gaussian posterior: its mean, its spread, its density."""

import pytest
import torch
from torch import nn

from aezoo_backbones.mlp import MLPBackbone
from aezoo_encoders.gaussian import LOG_VAR_BOUND, Gaussian
from tests.draws import seeded

SHAPE, M = (6,), 3
BACKBONE = MLPBackbone((8,))


def x(batch=5):
    return torch.randn(batch, *SHAPE, generator=seeded(1))


def gaussian():
    return Gaussian(BACKBONE, SHAPE, M)


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
