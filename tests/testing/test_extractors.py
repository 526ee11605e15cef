"""Extractors that break a rule."""

import torch
from torch import nn

from aezoo.api import Extractor, MissingError
from aezoo.registry import registry
from aezoo.testing import check_component, examine, extractors
from tests.rules import COUNT, each_breaks


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


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    extractors,
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
)


def test_an_extractor_that_breaks_none_passes():
    check_component("extractor", Steady)


WEIGHTLESS = f"ComponentInfo(kind='extractor', name='weightless', target='{__name__}:Weightless')"


def test_a_part_without_its_weights_is_skipped_with_what_to_bring(install):
    install("aezoo-less", "less_plugin", f"@hookimpl\ndef aezoo_components():\n    return [{WEIGHTLESS}]")
    found = {one.rule: one for one in examine([registry.find("extractor", "weightless")])}
    for rule in ("extraction", "batches", "constancy", "weights"):
        one = found[rule]
        assert (one.status, one.what, one.fix) == ("skipped", "no weights here", "bring some")
    assert found["import"].status == found["settings"].status == "ok"
