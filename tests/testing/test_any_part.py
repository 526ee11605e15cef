"""Parts that break a rule of every kind, or of every part of a model."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aezoo.api import Decoder, Regularizer
from aezoo.testing import BrokenRule, any_part, check_component
from tests.rules import COUNT, Good, Lines, each_breaks


class Settled(Good):
    def __init__(self, *, latent_dim: int, keep: Any = (1, 2)) -> None:
        super().__init__(latent_dim=latent_dim)


class Moody(Good):
    def __init__(self, *, latent_dim: int) -> None:
        super().__init__(latent_dim=latent_dim)
        self.register_buffer("shift", torch.tensor(np.random.rand()).float())


class Wide(Good):
    def sample(self, n, generator):
        return torch.randn(n, self.latent_dim + 1, generator=generator, device=generator.device)


class Unbounded(Decoder):
    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(latent_dim, torch.Size(shape).numel()), nn.Unflatten(1, shape))

    def forward(self, z):
        return self.net(z)


class Double(Good):
    def sample(self, n, generator):
        return super().sample(n, generator).double()


class Homeless(Good):
    def sample(self, n, generator):
        return super().sample(n, generator) + torch.ones(self.latent_dim)


class FromTorch(Good):
    def sample(self, n, generator):
        return torch.randn(n, self.latent_dim, device=generator.device)


class FromNumpy(Good):
    def sample(self, n, generator):
        return super().sample(n, generator) + np.random.rand()


class FromRandom(Good):
    def sample(self, n, generator):
        return super().sample(n, generator) * random.random()


class Blind(Regularizer):
    """Noise that the trainer's seed repeats, and that is drawn from nowhere all the same."""

    def terms(self, step):
        return {"blind": (step.z * torch.randn_like(step.z)).square().mean()}


class Dropping(Lines):
    """Dropout is the exception: the trainer seeds it."""

    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape=shape, latent_dim=latent_dim)
        self.net.insert(1, nn.Dropout(0.5))


class Idle(Regularizer):
    def __init__(self) -> None:
        super().__init__()
        self.never = nn.Linear(2, 2)

    def terms(self, step):
        return {"idle": step.z.square().mean()}


class Crashing(Regularizer):
    def terms(self, step):
        raise ValueError("no luck")


class Drifting(Regularizer):
    def terms(self, step):
        return {"drifting": next(COUNT) * step.z.square().mean()}


class Forgetful(Good):
    def __init__(self, *, latent_dim: int) -> None:
        super().__init__(latent_dim=latent_dim)
        self.shift = torch.randn(latent_dim)

    def sample(self, n, generator):
        return super().sample(n, generator) + self.shift


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    any_part,
    ("settings", "prior", Settled),
    ("config", "prior", Moody),
    ("shapes", "prior", Wide),
    ("range", "decoder", Unbounded),
    ("dtype-device", "prior", Double),
    ("dtype-device", "prior", Homeless),
    ("randomness", "prior", FromTorch),
    ("randomness", "prior", FromNumpy),
    ("randomness", "prior", FromRandom),
    ("randomness", "regularizer", Blind),
    ("gradients", "regularizer", Idle),
    ("gradients", "regularizer", Crashing),
    ("repeats", "regularizer", Drifting),
    ("state", "prior", Forgetful),
    elsewhere={"import"},
)


@pytest.mark.parametrize(
    ("library", "part"), [("torch", FromTorch), ("numpy", FromNumpy), ("random", FromRandom)]
)
def test_the_library_whose_global_generator_is_read_is_named(library, part):
    with pytest.raises(BrokenRule, match=f"global generator of {library}"):
        check_component("prior", part, rule="randomness")


@pytest.mark.parametrize(("kind", "part"), [("prior", Good), ("encoder", Dropping)])
def test_a_part_that_breaks_none_passes(kind, part):
    check_component(kind, part)


HEAVY = """
import torch

@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="prior", name="heavy", target="aezoo.testing.plain:PlainPrior")]
"""


def test_a_plugin_module_that_imports_torch_breaks_a_rule(install):
    install("aezoo-heavy", "heavy_plugin", HEAVY)
    with pytest.raises(BrokenRule, match="heavy_plugin imports torch"):
        check_component("prior", "heavy", rule="import")
