"""How rules are asked for: one or all, from a test, through pytest, for a whole plugin."""

import pkgutil
from importlib import import_module

import pytest

import aezoo.testing
from aezoo import ComponentInfo
from aezoo.api import ConfigError
from aezoo.registry.catalogue import KINDS
from aezoo.testing import BrokenRule, check_component, examine, parametrize_with_checks, rules
from tests.rules import Good, Lines, names_of


def test_every_rule_of_every_module_is_asked_for():
    names = [info.name for info in pkgutil.iter_modules(aezoo.testing.__path__, "aezoo.testing.")]
    modules = map(import_module, names)
    assert set.union(*map(names_of, modules)) == {rule for kind in KINDS for rule in rules(kind)}


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


def test_all_findings_are_told_and_nothing_is_raised():
    rows = [
        ComponentInfo(kind="prior", name="missing", target="no_such_module:Wide"),
        ComponentInfo(kind="prior", name="normal", target="tests.rules:Good"),
    ]
    found = list(examine(rows))
    assert [finding.status for finding in found if finding.name == "missing"] == ["FAILED"]
    assert {finding.status for finding in found if finding.name == "normal"} == {"ok", "skipped"}
