"""A code and nothing else."""

import torch

from aezoo_backbones.mlp import MLPBackbone
from aezoo_encoders.point import Point
from tests.draws import seeded


def test_point_gives_a_code_without_noise_and_nothing_else():
    point, x = Point(MLPBackbone((8,)), (6,), 3), torch.randn(5, 6)
    posterior = point(x, seeded())
    assert torch.equal(posterior.z, point(x).z)
    assert posterior.mean is posterior.log_var is posterior.log_q is None
