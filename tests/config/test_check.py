"""Faults of settings: all at once, in the user's terms."""

from collections import OrderedDict
from typing import Annotated

import pytest
from pydantic import Field
from torch import nn

from aezoo.config.base import Config
from aezoo.config.check import check, settings_of, together
from aezoo.config.run import RunConfig
from aezoo.errors import ConfigError


class Inner(Config):
    steps: int = Field(5, gt=0)


class Outer(Config):
    width: int = Field(1, gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    rate: float | Inner = 1.0
    fit: Inner = Inner()


def fault(values, settings=Outer, section="prior", origin=lambda key: ""):
    with pytest.raises(ConfigError) as caught:
        check(settings, values, section, origin)
    assert caught.value.exit_code == 2
    return caught.value


def test_every_fault_is_said_at_once_with_its_key():
    found = fault({"widht": 3, "width": 0, "fit": {"steps": -1}})
    assert [
        key for key in ("'prior.widht'", "'prior.width'", "'prior.fit.steps'") if key not in found.what
    ] == []


def test_an_unknown_key_suggests_the_nearest_with_its_section():
    assert "'prior.width'" in fault({"widht": 3}).fix


@pytest.mark.parametrize("values", [{"fit": {"step": 3}}, {"fit": {"stepz": 3}}])
def test_an_unknown_key_inside_a_section_suggests_from_that_section(values):
    assert "'prior.fit.steps'" in fault(values).fix


def test_a_fault_says_who_wrote_it():
    assert (
        fault({"width": 0}, origin=lambda key: f"the file, {key}").where
        == "prior.width in the file, prior.width"
    )


def test_a_value_out_of_range_is_shown():
    assert "-7" in fault({"width": -7}).what


def test_a_missing_value_says_how_to_give_it():
    class Needs(Config):
        depth: int

    found = fault({}, Needs, "encoder")
    assert "'encoder.depth'" in found.what and "--set encoder.depth=" in found.fix


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(value):
    assert "prior.betas" in fault({"betas": [value, 0.9]}).what


def test_whole_numbers_of_toml_become_floats():
    typed = check(Outer, {"betas": [0, 0.9], "rate": 1}, "")
    assert typed.betas == (0.0, 0.9)
    assert isinstance(typed.betas[0], float) and isinstance(typed.rate, float)


def test_several_errors_become_one_with_all_their_parts():
    joined = together([ConfigError("a", where="x", fix="f"), ConfigError("b", where="y", fix="f")])
    assert (joined.what, joined.where, joined.fix) == ("a\nb", "x, y", "f")


class Plain(nn.Module):
    def __init__(self, shape, latent_dim, width: int = 4, *, depth: int) -> None: ...


def test_a_constructors_arguments_become_settings_but_not_what_it_is_given():
    settings = settings_of(Plain)
    assert set(settings.model_fields) == {"width", "depth"}
    assert check(settings, {"depth": 2}, "encoder").width == 4
    assert "'encoder.depth'" in fault({"dept": 2}, settings, "encoder").fix


INNER = Inner()


class Weighted:
    def __init__(
        self,
        latent_dim: int,
        weight: Annotated[float, Field(ge=0, description="of the term, >= 0")] = 1.0,
        fit: Inner = INNER,
    ) -> None: ...


def test_the_constraint_of_an_annotated_argument_is_kept():
    settings = settings_of(Weighted)
    assert check(settings, {"weight": 2}, "prior").weight == 2.0
    assert "'prior.weight' cannot be -1" in fault({"weight": -1}, settings, "prior").what
    assert settings.model_fields["weight"].description == "of the term, >= 0"


def test_an_argument_may_be_a_table_of_settings():
    settings = settings_of(Weighted)
    assert check(settings, {}, "prior").fit == Inner()
    assert check(settings, {"fit": {"steps": 3}}, "prior").fit.steps == 3
    assert "'prior.fit.steps' cannot be 0" in fault({"fit": {"steps": 0}}, settings, "prior").what


class Odd(nn.Module):
    def __init__(self, other: nn.Module) -> None: ...


def test_arguments_that_cannot_be_settings_name_the_class():
    with pytest.raises(ConfigError) as caught:
        settings_of(Odd)
    assert caught.value.where.endswith(":Odd")


class Unknown:
    def __init__(self, layer: "Nowhere" = 3):  # noqa: F821 - the fault that is looked for
        ...


@pytest.mark.parametrize("part", [OrderedDict, Unknown], ids=["builtin", "unknown type"])
def test_a_constructor_that_cannot_be_read_names_the_class(part):
    with pytest.raises(ConfigError) as err:
        settings_of(part)
    assert part.__name__ in err.value.what and part.__name__ in err.value.where and err.value.fix


def test_a_key_of_a_section_is_found_without_it():
    with pytest.raises(ConfigError) as err:
        check(RunConfig, {"steps": 3}, "")
    assert "'steps'" in err.value.what and "'train.steps'" in err.value.fix


def test_only_keys_that_a_user_may_write_are_offered():
    with pytest.raises(ConfigError) as err:
        check(RunConfig, {"qqqq": 3}, "")
    assert "optimizer" in err.value.fix and "inherited" not in err.value.fix
