"""Parts that cannot be built, lack what others ask for, or whose methods give nothing."""

import inspect
from typing import Annotated

import pytest
import torch
from pydantic import Field
from torch import nn

from aezoo import ComponentInfo
from aezoo.api import Config, Decoder, Extractor, LatentPrior, Measure, Phase, Regularizer, SetMetric
from aezoo.testing import check_component, construction, examine, parametrize_with_checks
from tests.rules import Good, Lines, each_breaks


class Half(Good):
    """A buffer of a name that nn.Module has itself."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__(latent_dim=latent_dim)
        self.register_buffer("half", torch.zeros(()))


class Sizeless(LatentPrior):
    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.m = latent_dim

    def sample(self, n, generator):
        return torch.randn(n, self.m, generator=generator, device=generator.device)


class Unsized(Lines):
    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape=shape, latent_dim=latent_dim)
        del self.latent_dim


class Stranger(nn.Module):
    """No prior, though it can do what one does."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    sample = Good.sample


class Oneway:
    def encoder(self, shape):
        body = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 8))
        body.features = 8
        return body


class Dataless:
    def rows(self):
        return []


class Measureless(SetMetric):
    measures = {}

    def compare(self, fake, real, seed):
        return {}


class Particular(Regularizer):
    def attach(self, model):
        raise ValueError("only with my own encoder")


class Mute(Good):
    def sample(self, n, generator):
        """Nothing."""


class Termless(Regularizer):
    def terms(self, step):
        step.z.square().mean()


class Total(Regularizer):
    def terms(self, step):
        return step.z.square().mean()


class Phaseless(Regularizer):
    def phases(self, model):
        [Phase("own", lambda step: {}, [model.encoder])]


class Lossless(Regularizer):
    def phases(self, model):
        yield Phase("own", self.loss, [model.encoder])

    def loss(self, step):
        step.z.square().mean()


class Undecided(Regularizer):
    def phases(self, model):
        yield Phase("own", lambda step: {"own": step.z.mean()}, [model.encoder], when=self.when)

    def when(self, step):
        print(step.number % 2 == 0)


class Imageless(Decoder):
    def __init__(self, *, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.net = nn.Linear(latent_dim, torch.Size(shape).numel())

    def forward(self, z):
        self.net(z)


class Rowless:
    def load(self):
        """Nothing."""


class Featureless(Extractor):
    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__()

    def forward(self, x):
        """Nothing."""


class Numberless(SetMetric):
    measures = {"gap": Measure("lower", "distance")}

    def compare(self, fake, real, seed):
        """Nothing."""


class Twofold(Good):
    """A default in Field, and another one after it."""

    def __init__(
        self, *, latent_dim: int, width: Annotated[float, Field(2.0, description="of the cube")] = 1.0
    ) -> None:
        super().__init__(latent_dim=latent_dim)


class Fit(Config):
    steps: int = Field(10, description="iterations")
    rate: float = Field(0.1, description="of each")


class Nested(Good):
    """A table of settings whose default is not its class's: setting `fit.rate` would change `steps`."""

    def __init__(self, *, latent_dim: int, fit: Fit = Fit(steps=5)) -> None:  # noqa: B008
        super().__init__(latent_dim=latent_dim)


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    construction,
    ("built", "prior", Half),
    ("attributes", "prior", Sizeless),
    ("attributes", "prior", Stranger),
    ("attributes", "encoder", Unsized),
    ("attributes", "backbone", Oneway),
    ("attributes", "dataset", Dataless),
    ("attributes", "metric", Measureless),
    ("joined", "regularizer", Particular),
    ("hooks", "prior", Mute),
    ("hooks", "regularizer", Termless),
    ("hooks", "regularizer", Total),
    ("hooks", "regularizer", Phaseless),
    ("hooks", "regularizer", Lossless),
    ("hooks", "regularizer", Undecided),
    ("hooks", "divergence", Termless),
    ("hooks", "decoder", Imageless),
    ("hooks", "dataset", Rowless),
    ("hooks", "extractor", Featureless),
    ("hooks", "metric", Numberless),
    ("defaults", "prior", Twofold),
    ("defaults", "prior", Nested),
)


def findings(kind, part, install, defaults=None):
    """What `plugin check` says of a part that is registered."""
    target = f"{part.__module__}:{part.__qualname__}"
    row = ComponentInfo(kind=kind, name="toy", target=target, defaults=defaults or {})
    said = f"ComponentInfo(kind='{kind}', name='toy', target='{target}', defaults={row.defaults!r})"
    install("aezoo-toy", "toy_plugin", f"@hookimpl\ndef aezoo_components():\n    return [{said}]")
    return list(examine([row]))


BRINGS = {"divergence": "wgan"}


@pytest.mark.parametrize(
    ("rule", "kind", "part", "method"),
    [
        ("attributes", "prior", Sizeless, None),
        ("attributes", "encoder", Unsized, None),
        ("hooks", "prior", Mute, "sample"),
        ("hooks", "regularizer", Termless, "terms"),
        ("hooks", "regularizer", Total, "terms"),
        ("hooks", "regularizer", Lossless, "loss"),
        ("hooks", "regularizer", Undecided, "when"),
        ("hooks", "dataset", Rowless, "load"),
        ("hooks", "metric", Numberless, None),
        ("defaults", "prior", Twofold, "__init__"),
    ],
)
def test_it_breaks_that_rule_alone_and_is_told_the_line_of_the_author(rule, kind, part, method, install):
    found = findings(kind, part, install, BRINGS if kind == "prior" else None)
    (broken,) = [finding for finding in found if finding.status == "FAILED"]
    line = inspect.getsourcelines(getattr(part, method) if method else part)[1]
    assert broken.rule == rule and broken.fix
    assert broken.where == f"{__file__}, line {line}"


def test_a_part_that_cannot_be_built_is_one_finding_with_the_line_that_breaks(install):
    (found,) = findings("prior", Half, install)
    assert (found.rule, found.status) == ("built", "FAILED") and "'half' already exists" in found.what
    source, first = inspect.getsourcelines(Half)
    at = next(number for number, text in enumerate(source) if "register_buffer" in text)
    assert found.where == f"{__file__}, line {first + at}"


def test_required_settings_that_are_not_given_fail_and_are_named(install):
    class_ = Needy
    (found,) = findings("prior", class_, install)
    assert (found.rule, found.status) == ("built", "FAILED")
    assert "hidden" in found.what and "--set hidden=VALUE" in found.fix


class Needy(Good):
    def __init__(self, *, latent_dim: int, hidden: int) -> None:
        super().__init__(latent_dim=latent_dim, scale=hidden)


@pytest.mark.parametrize(("defaults", "what"), [({"scale": "2"}, "no kind of part"), ({"prior": "x"}, "'x'")])
def test_what_a_row_brings_along_must_be_parts(install, defaults, what):
    found = findings("prior", Good, install, {**BRINGS, **defaults})
    (broken,) = [finding for finding in found if finding.status == "FAILED"]
    assert broken.rule == "defaults" and what in broken.what


@parametrize_with_checks(("prior", Needy, {"hidden": 2}))
def test_with_its_settings_it_keeps_the_rules(check):
    check()


def test_a_wrong_sample_shape_is_told_by_the_rule_of_shapes_alone(install):
    class_ = Wide
    found = findings("prior", class_, install, BRINGS)
    (broken,) = [finding for finding in found if finding.status == "FAILED"]
    assert broken.rule == "shapes" and "latent_dim" in broken.fix and found[-1] is broken
    assert broken.where == f"{__file__}, line {inspect.getsourcelines(Wide.sample)[1]}"


class Wide(Good):
    def sample(self, n, generator):
        return torch.randn(n, self.latent_dim + 1, generator=generator, device=generator.device)


def test_the_good_part_breaks_none(install):
    assert {one.status for one in findings("prior", Good, install, BRINGS)} == {"ok", "skipped"}
    check_component("encoder", Lines)
