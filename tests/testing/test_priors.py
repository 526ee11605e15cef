"""Priors that break a rule."""

import torch

from aezoo.api import ConfigError
from aezoo.testing import check_component, priors
from tests.rules import COUNT, Good, each_breaks


class Constant(Good):
    def sample(self, n, generator):
        return torch.zeros(n, self.latent_dim, device=generator.device)


class Endless(Good):
    def log_prob(self, z):
        return torch.full((len(z),), torch.inf)


class Summed(Good):
    def log_prob(self, z):
        return z.sum()


class Eager(Good):
    """Fitted, and samples all the same."""

    during, reads = "normal", ("z",)

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__(latent_dim=latent_dim)
        self.register_buffer("fitted", torch.tensor(False))

    def fit(self, codes, fitting):
        self.fitted.fill_(True)


class Patient(Eager):
    """A fitted prior as it should be."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__(latent_dim=latent_dim)
        self.register_buffer("mean", torch.zeros(latent_dim))

    def fit(self, codes, fitting):
        self.mean.copy_(codes.z.mean(0))
        super().fit(codes, fitting)

    def sample(self, n, generator):
        if not self.fitted:
            raise ConfigError("not fitted yet", where="prior.name", fix="let training end")
        return super().sample(n, generator) + self.mean


class Fickle(Patient):
    def fit(self, codes, fitting):
        super().fit(codes, fitting)
        self.mean.add_(next(COUNT))


class Abrupt(Patient):
    def sample(self, n, generator):
        assert self.fitted
        return super().sample(n, generator)


class Uncalled(Good):
    def fit(self, codes, fitting):
        """Never called: `during` and `reads` are missing."""


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    priors,
    ("sampling", "prior", Constant),
    ("density", "prior", Endless),
    ("density", "prior", Summed),
    ("fit", "prior", Eager),
    ("fit", "prior", Abrupt),
    ("fit", "prior", Fickle),
    ("fit", "prior", Uncalled),
)


def test_a_fitted_prior_that_breaks_none_passes():
    check_component("prior", Patient)
