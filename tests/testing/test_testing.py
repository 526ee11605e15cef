"""Parts that break each rule on purpose: the suite says which rule, and what to mend."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aezoo.api import (
    ConfigError,
    Data,
    Decoder,
    Encoder,
    Extractor,
    LatentPrior,
    Measure,
    MissingError,
    Posterior,
    Reconstruction,
    Regularizer,
    SetMetric,
    Split,
)
from aezoo.errors import AezooError
from aezoo.registry import registry
from aezoo.testing import BrokenRule, check_component, examine, parametrize_with_checks, rules


class Good(LatentPrior):
    """N(0, scale^2); the ones below change one thing each."""

    def __init__(self, *, latent_dim: int, scale: float = 1.0) -> None:
        super().__init__()
        self.latent_dim, self.scale = latent_dim, scale

    def sample(self, n, generator):
        return self.scale * torch.randn(n, self.latent_dim, generator=generator, device=generator.device)


class Wide(Good):
    def sample(self, n, generator):
        return torch.randn(n, self.latent_dim + 1, generator=generator, device=generator.device)


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


class Constant(Good):
    def sample(self, n, generator):
        return torch.zeros(n, self.latent_dim, device=generator.device)


class Forgetful(Good):
    def __init__(self, *, latent_dim: int) -> None:
        super().__init__(latent_dim=latent_dim)
        self.shift = torch.randn(latent_dim)

    def sample(self, n, generator):
        return super().sample(n, generator) + self.shift


class Moody(Good):
    def __init__(self, *, latent_dim: int) -> None:
        super().__init__(latent_dim=latent_dim)
        self.register_buffer("shift", torch.tensor(np.random.rand()).float())


class Settled(Good):
    def __init__(self, *, latent_dim: int, keep: Any = (1, 2)) -> None:
        super().__init__(latent_dim=latent_dim)


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


COUNT = itertools.count()


class Idle(Regularizer):
    def __init__(self) -> None:
        super().__init__()
        self.never = nn.Linear(2, 2)

    def terms(self, step):
        return {"idle": step.z.square().mean()}


class Lines(Encoder):
    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), latent_dim))

    def forward(self, x, generator=None):
        return Posterior(z=self.net(x))


class Blind(Regularizer):
    """Noise that the trainer's seed repeats, and that is drawn from nowhere all the same."""

    def terms(self, step):
        return {"blind": (step.z * torch.randn_like(step.z)).square().mean()}


class Dropping(Lines):
    """Dropout is the exception: the trainer seeds it."""

    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape=shape, latent_dim=latent_dim)
        self.net.insert(1, nn.Dropout(0.5))


class Drifting(Regularizer):
    def terms(self, step):
        return {"drifting": next(COUNT) * step.z.square().mean()}


class Vector(Regularizer):
    def terms(self, step):
        return {"vector": step.z.square().mean(1)}


class Infinite(Regularizer):
    def terms(self, step):
        return {"infinite": step.z.square().mean() / 0.0}


class Writing(Regularizer):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def terms(self, step):
        self.calls += 1
        return {"writing": step.z.square().mean()}


class Crashing(Regularizer):
    def terms(self, step):
        raise ValueError("no luck")


class Noisy(Lines):
    def forward(self, x, generator=None):
        generator = generator or torch.Generator(x.device).manual_seed(next(COUNT))
        z = self.net(x)
        return Posterior(z=z + torch.randn(z.shape, generator=generator, device=z.device))


class Mixing(Lines):
    def forward(self, x, generator=None):
        return Posterior(z=self.net(x).cumsum(0))


class Unbounded(Decoder):
    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(latent_dim, torch.Size(shape).numel()), nn.Unflatten(1, shape))

    def forward(self, z):
        return self.net(z)


class Unscaled(Reconstruction):
    def terms(self, step):
        return {"unscaled": (step.x - step.x_hat).square()}


class Miscounting:
    def encoder(self, shape):
        body = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 8))
        body.features = 7
        return body

    def decoder(self, latent_dim, shape):
        return nn.Sequential(nn.Linear(latent_dim, torch.Size(shape).numel()), nn.Unflatten(1, shape))


class Loud:
    """A dataset outside its range."""

    def load(self):
        split = Split(torch.full((4, 3), 2.0))
        return Data("loud", (3,), (0.0, 1.0), split, split)


class Restless:
    """A dataset that is another one at each load."""

    def load(self):
        split = Split(torch.full((4, 3), next(COUNT) % 7 / 7))
        return Data("restless", (3,), (0.0, 1.0), split, split)


class Steady(Extractor):
    """An extractor as it should be; the ones below change one thing each."""

    takes = "any"

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full(shape, 2.0), requires_grad=False)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        return (self.scale * x).flatten(1)


class Square(Steady):
    def forward(self, x):
        return x


class Whole(Steady):
    def forward(self, x):
        return super().forward(x).long()


class Undefined(Steady):
    def forward(self, x):
        return super().forward(x) / 0.0


class Trampling(Steady):
    def forward(self, x):
        return x.mul_(2).flatten(1)


class Normed(Steady):
    def forward(self, x):
        return super().forward(x - x.mean(0))


class Unseeded(Steady):
    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__(shape=shape)
        self.scale.copy_(torch.randn(shape))


class Restarted(Steady):
    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__(shape=shape)
        self.scale.add_(next(COUNT))


class Counting(Steady):
    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class Willing(Steady):
    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__(shape=shape)
        self.scale.requires_grad_(True)


class Mislabelled(Steady):
    weights, sha256 = __file__, "0" * 64


class Unfiled(Steady):
    sha256 = "0" * 64


class Weightless(Steady):
    def __init__(self, *, shape: tuple[int, ...]) -> None:
        raise MissingError("no weights here", where="weights", fix="bring some")


class Plain(SetMetric):
    """A metric as it should be; the ones below change one thing each."""

    measures = {"gap": Measure("lower", "distance of the means, >= 0")}

    def compare(self, fake, real, seed):
        return {"gap": float((fake.mean(0) - real.mean(0)).norm())}


class Undeclared(Plain):
    def compare(self, fake, real, seed):
        return {"distance": 1.0}


class Overflowing(Plain):
    def compare(self, fake, real, seed):
        return {"gap": float("inf")}


class Diced(Plain):
    def compare(self, fake, real, seed):
        return {"gap": float(torch.rand(()))}


class Centred(Plain):
    def compare(self, fake, real, seed):
        return {"gap": float(fake.sub_(real.mean(0)).mean())}


BROKEN = [
    ("settings", "prior", Settled),
    ("config", "prior", Moody),
    ("shapes", "prior", Wide),
    ("features", "backbone", Miscounting),
    ("range", "decoder", Unbounded),
    ("dtype-device", "prior", Double),
    ("dtype-device", "prior", Homeless),
    ("randomness", "prior", FromTorch),
    ("randomness", "prior", FromNumpy),
    ("randomness", "prior", FromRandom),
    ("randomness", "regularizer", Blind),
    ("sampling", "prior", Constant),
    ("noise", "encoder", Noisy),
    ("noise", "encoder", Mixing),
    ("gradients", "regularizer", Idle),
    ("gradients", "regularizer", Crashing),
    ("repeats", "regularizer", Drifting),
    ("terms", "regularizer", Vector),
    ("terms", "regularizer", Infinite),
    ("terms", "regularizer", Writing),
    ("terms", "divergence", Vector),
    ("terms", "reconstruction", Unscaled),
    ("state", "prior", Forgetful),
    ("density", "prior", Endless),
    ("density", "prior", Summed),
    ("fit", "prior", Eager),
    ("fit", "prior", Abrupt),
    ("fit", "prior", Fickle),
    ("fit", "prior", Uncalled),
    ("extraction", "extractor", Square),
    ("extraction", "extractor", Whole),
    ("extraction", "extractor", Undefined),
    ("extraction", "extractor", Trampling),
    ("batches", "extractor", Normed),
    ("constancy", "extractor", Unseeded),
    ("constancy", "extractor", Restarted),
    ("constancy", "extractor", Counting),
    ("constancy", "extractor", Willing),
    ("weights", "extractor", Mislabelled),
    ("weights", "extractor", Unfiled),
    ("measures", "metric", Undeclared),
    ("measures", "metric", Overflowing),
    ("repeatable", "metric", Diced),
    ("repeatable", "metric", Centred),
    ("rows", "dataset", Loud),
    ("rows", "dataset", Restless),
]


@pytest.mark.parametrize(("rule", "kind", "part"), BROKEN)
def test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend(rule, kind, part):
    with pytest.raises(BrokenRule) as caught:
        check_component(kind, part, rule=rule)
    assert caught.value.rule == rule
    assert f"'{rule}'" in str(caught.value) and part.__name__ in str(caught.value)
    assert caught.value.fix and isinstance(caught.value, AezooError) and caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("library", "part"), [("torch", FromTorch), ("numpy", FromNumpy), ("random", FromRandom)]
)
def test_the_library_whose_global_generator_is_read_is_named(library, part):
    with pytest.raises(BrokenRule, match=f"global generator of {library}"):
        check_component("prior", part, rule="randomness")


def test_every_rule_has_a_part_that_breaks_it():
    named = {rule for rule, _, _ in BROKEN} | {"import", "recipe", "experiment"}  # these three below
    kinds = ("backbone", "encoder", "decoder", "prior", "divergence", "regularizer", "reconstruction")
    assert {
        rule
        for kind in (*kinds, "dataset", "extractor", "metric", "recipe", "experiment")
        for rule in rules(kind)
    } == named


@pytest.mark.parametrize(
    ("kind", "part"),
    [("prior", Good), ("prior", Patient), ("encoder", Dropping), ("extractor", Steady), ("metric", Plain)],
)
def test_a_part_that_breaks_none_passes(kind, part):
    check_component(kind, part)


def test_settings_and_the_latent_dimension_reach_the_part():
    check_component("prior", Good, scale=2.0, latent_dim=2)
    with pytest.raises(BrokenRule, match="scale"):
        check_component("prior", Good, scale="broad")


def test_a_rule_that_does_not_exist_suggests_the_nearest():
    with pytest.raises(ConfigError) as caught:
        check_component("prior", Good, rule="shape")
    assert "'shapes'" in caught.value.fix


class Needy(Good):
    def __init__(self, *, latent_dim: int, width: int) -> None:
        super().__init__(latent_dim=latent_dim, scale=width)


def test_a_setting_without_a_default_must_be_given():
    with pytest.raises(ConfigError, match="width"):
        check_component("prior", Needy)
    check_component("prior", Needy, width=2)


@parametrize_with_checks(("prior", Good, {"scale": 0.5}), ("encoder", Lines))
def test_the_decorator_makes_a_test_of_each_rule(check):
    check()


# --- through the registry


HEAVY = """
import torch

@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="prior", name="heavy", target="aezoo.testing.specimen:PlainPrior")]
"""


def test_a_plugin_module_that_imports_torch_breaks_a_rule(install):
    install("aezoo-heavy", "heavy_plugin", HEAVY)
    with pytest.raises(BrokenRule, match="heavy_plugin imports torch"):
        check_component("prior", "heavy", rule="import")


EXPERIMENT = 'ComponentInfo(kind="experiment", name="e", target="ruled_experiments:e.toml")'
UNTRAINED = """
title = "t"
paper = "p"
url = "https://example.org"
shows = "s"
note = "n"
dataset = [{ name = "digits", title = "Digits" }]
claim = [{ text = "t", kind = "below", dataset = "digits", a = "vae", b = "aae", measure = "generation/fd" }]
grid = { recipes = ["vae"], steps = 1 }
"""


def test_an_experiment_that_claims_something_of_what_it_never_trains_breaks_a_rule(install, tmp_path):
    (tmp_path / "ruled_experiments").mkdir()
    (tmp_path / "ruled_experiments" / "__init__.py").write_text("")
    (tmp_path / "ruled_experiments" / "e.toml").write_text(UNTRAINED)
    install("aezoo-ours", "ours_plugin", f"@hookimpl\ndef aezoo_components():\n    return [{EXPERIMENT}]")
    with pytest.raises(BrokenRule, match="aae, which is never trained"):
        check_component("experiment", "e")


RECIPE = 'ComponentInfo(kind="recipe", name="r", target="ruled_recipes:r.toml")'


def test_a_recipe_that_does_not_resolve_breaks_a_rule(install, tmp_path):
    (tmp_path / "ruled_recipes").mkdir()
    (tmp_path / "ruled_recipes" / "__init__.py").write_text("")
    (tmp_path / "ruled_recipes" / "r.toml").write_text('prior = { name = "normal", wide = true }\n')
    install("aezoo-mine", "mine_plugin", f"@hookimpl\ndef aezoo_components():\n    return [{RECIPE}]")
    with pytest.raises(BrokenRule, match=r"prior\.wide"):
        check_component("recipe", "r")


def test_all_findings_are_told_and_nothing_is_raised():
    from aezoo import ComponentInfo

    rows = [
        ComponentInfo(kind="prior", name="missing", target="no_such_module:Wide"),
        ComponentInfo(kind="prior", name="normal", target=f"{__name__}:Good"),
    ]
    found = list(examine(rows))
    assert [finding.status for finding in found if finding.name == "missing"] == ["FAILED"]
    assert {finding.status for finding in found if finding.name == "normal"} == {"ok", "skipped"}


WEIGHTLESS = f"ComponentInfo(kind='extractor', name='weightless', target='{__name__}:Weightless')"


def test_a_part_without_its_weights_is_skipped_with_what_to_bring(install):
    install("aezoo-less", "less_plugin", f"@hookimpl\ndef aezoo_components():\n    return [{WEIGHTLESS}]")
    found = {one.rule: one for one in examine([registry.find("extractor", "weightless")])}
    for rule in ("extraction", "batches", "constancy", "weights"):
        one = found[rule]
        assert (one.status, one.what, one.fix) == ("skipped", "no weights here", "bring some")
    assert found["import"].status == found["settings"].status == "ok"
