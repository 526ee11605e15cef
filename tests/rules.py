"""Parts that keep every rule, for others to break one each; and the claim that they do."""

import itertools
from types import ModuleType

import pytest
import torch
from torch import nn

from aezoo.api import Encoder, LatentPrior, Posterior
from aezoo.errors import AezooError
from aezoo.testing import BrokenRule, check_component
from aezoo.testing.rule import Rule

COUNT = itertools.count()


class Good(LatentPrior):
    """N(0, scale^2), which others change in one thing each."""

    def __init__(self, *, latent_dim: int, scale: float = 1.0) -> None:
        super().__init__()
        self.latent_dim, self.scale = latent_dim, scale

    def sample(self, n, generator):
        return self.scale * torch.randn(n, self.latent_dim, generator=generator, device=generator.device)


class Lines(Encoder):
    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), latent_dim))

    def forward(self, x, generator=None):
        return Posterior(z=self.net(x))


def names_of(module: ModuleType) -> set[str]:
    """The rules that a module states."""
    return {found.name for found in vars(module).values() if isinstance(found, Rule)}


def each_breaks(module: ModuleType, *rows: tuple[str, str, type], elsewhere: frozenset[str] = frozenset()):
    """A test for each rule, kind and part that breaks it; every rule of the module has one."""
    assert {rule for rule, _, _ in rows} == names_of(module) - elsewhere

    @pytest.mark.parametrize(("rule", "kind", "part"), rows)
    def test(rule: str, kind: str, part: type) -> None:
        with pytest.raises(BrokenRule) as caught:
            check_component(kind, part, rule=rule)
        assert caught.value.rule == rule
        assert f"'{rule}'" in str(caught.value) and part.__name__ in str(caught.value)
        assert caught.value.fix and isinstance(caught.value, AezooError) and caught.value.exit_code == 1

    return test
