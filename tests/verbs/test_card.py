"""The model card: what anybody may have written is text on it."""

import re

import pytest

from aezoo.verbs.finish import model_card
from tests.tiny import trained

EVIL = '<script>alert(1)</script> [x](javascript:y) `a` | b\n# head "q"'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("card") / "run")


def card(made, *, name="run", warnings=(), **recipe):
    config = made.config.model_copy(update={"recipe": made.config.recipe.model_copy(update=recipe)})
    return model_card(config, made.model, {**made.results, "run": name, "warnings": [*warnings]})


def test_texts_of_a_recipe_are_shown_and_not_taken(made):
    found = card(made, name=EVIL, warnings=[EVIL], title=EVIL, paper=EVIL, url=f"javascript:{EVIL}")
    assert "<script" not in found and "<javascript" not in found
    assert not re.search(r"(?<!\\)\]\(", found.partition("```python")[0])
    assert found.count("&lt;script&gt;") >= 4 and "\n# head" not in found


def test_the_code_on_a_card_loads_the_run_of_that_name(made):
    code = card(made, name='a"b\n```').rpartition("```python\n")[2].partition("\n```")[0]
    (line,) = [line for line in code.splitlines() if line.startswith("model")]
    (loaded,) = eval(line.partition("=")[2], {"aezoo": type("A", (), {"load": lambda name: [name]})})
    assert loaded == 'a"b\n```'


def test_an_address_is_a_link_and_names_are_as_they_were(made):
    found = card(made, title="VAE", paper="Auto-Encoding", url="https://arxiv.org/abs/1312.6114v_1")
    assert "<https://arxiv.org/abs/1312.6114v_1>" in found and "| encoder | gaussian |" in found
