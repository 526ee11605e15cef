"""The learned prior: sizes, initial weights, gradients."""

import math

import pytest
import torch
from pydantic import ValidationError

from aezoo.api import HasDensity, HasKL
from aezoo.config.check import settings_of
from aezoo_priors.pgen import PGen
from tests.draws import seeded

# By hand for m = 32: (32 + 1) a + (a + 1) a + ... + (a + 1) 32.
PARAMETERS = {
    "model-1": 1344,  # 33 * 16 + 17 * 16 + 17 * 32
    "model-2": 33 * 64 + 65 * 64 + 65 * 32,
    "model-3": 33 * 256 + 257 * 256 + 257 * 32,
    "model-4": 33 * 1024 + 1025 * 1024 + 1025 * 32,
    "model-5": 33 * 1024 + 3 * 1025 * 1024 + 1025 * 32,
    "model-6": 33 * 2048 + 3 * 2049 * 2048 + 2049 * 32,
}


@pytest.mark.parametrize("capacity", PARAMETERS)
def test_pgens_capacities_have_the_papers_sizes(capacity):
    with torch.device("meta"):  # sizes without the numbers
        prior = PGen(latent_dim=32, hidden=settings_of(PGen)(hidden=capacity).hidden)
    assert sum(weight.numel() for weight in prior.parameters()) == PARAMETERS[capacity]


def test_pgens_sample_is_the_networks_image_of_normal_noise():
    prior = PGen(latent_dim=3, noise_dim=2, hidden=[8])
    assert torch.equal(prior.sample(5, seeded(1)), prior.net(torch.randn(5, 2, generator=seeded(1))))


def test_pgen_starts_with_glorot_weights_and_zero_biases():
    prior = PGen(latent_dim=64, hidden=[512])
    first = prior.net[0]
    assert first.weight.std().item() == pytest.approx(math.sqrt(2 / (64 + 512)), rel=0.03)
    assert not first.bias.any()


def test_an_unknown_capacity_is_refused():
    with pytest.raises(ValidationError):
        settings_of(PGen)(hidden="model-7")


def test_pgen_knows_neither_density_nor_kl():
    assert not isinstance(PGen(latent_dim=2), HasDensity | HasKL)
