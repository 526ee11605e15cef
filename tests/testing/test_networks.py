"""Backbones and encoders that break a rule."""

import torch
from torch import nn

from aezoo.api import Posterior
from aezoo.testing import networks
from tests.rules import COUNT, Lines, each_breaks


class Miscounting:
    def encoder(self, shape):
        body = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 8))
        body.features = 7
        return body

    def decoder(self, latent_dim, shape):
        return nn.Sequential(nn.Linear(latent_dim, torch.Size(shape).numel()), nn.Unflatten(1, shape))


class Noisy(Lines):
    def forward(self, x, generator=None):
        generator = generator or torch.Generator(x.device).manual_seed(next(COUNT))
        z = self.net(x)
        return Posterior(z=z + torch.randn(z.shape, generator=generator, device=z.device))


class Mixing(Lines):
    def forward(self, x, generator=None):
        return Posterior(z=self.net(x).cumsum(0))


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    networks,
    ("features", "backbone", Miscounting),
    ("noise", "encoder", Noisy),
    ("noise", "encoder", Mixing),
)
