"""Recipes and experiments that break a rule."""

import pytest

from aezoo.testing import BrokenRule, check_component

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
