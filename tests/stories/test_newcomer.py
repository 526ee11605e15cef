"""A new user's whole way with a plugin: written, installed, trained, sampled, loaded, evaluated, broken."""

import json
import shutil

import pytest

from tests.environments import Environment, fresh, seeing_the_parents_packages
from tests.tiny import WORDS

EVALUATE = """
import json
import aezoo
from aezoo.resolve import resolve
from aezoo.data.loading import load_data
model, data = aezoo.load("run"), load_data(resolve("run/config.toml"))
x = data.x(data.test.values)
sse = (x - model.reconstruct(x)).square().flatten(1).sum(1).mean().item()
print(json.dumps([list(model.sample(3).shape), sse]))
"""


def from_the_first_file_to_the_end(environment: Environment) -> None:
    """The story of docs/plugins.md, with the plugin `mine`; a run directory `run` is left."""
    aezoo = environment.aezoo
    aezoo("plugin", "new", "mine")
    environment.pip_install("./aezoo-mine")
    listed = {(row["kind"], row["name"]): row for row in json.loads(aezoo("list", "--json"))}
    assert listed["prior", "mine"]["plugin"] == "aezoo-mine 0.1.0" and ("regularizer", "mine-pull") in listed
    assert "scale" in aezoo("show", "prior/mine")

    train = ("train", "--prior", "mine", "--regularizer", "mine-pull", *WORDS, "--steps", 5, "--out", "run")
    assert json.loads(aezoo(*train, "--quiet", "--json"))["steps"] == 5
    aezoo("sample", "run", "-n", 4, "--out", "grid.png")
    assert (environment.here / "grid.png").stat().st_size > 0
    found = json.loads(aezoo("evaluate", "run", "--metrics", "reconstruction", "--json", "--quiet"))[
        "results"
    ]
    (sse,) = [row for row in found if (row["metric"], row["of"]) == ("sse", "reconstruction")]
    shape, value = json.loads(environment.call(environment.python, "-c", EVALUATE))
    assert sse["n_real"] == 360 and sse["split"] == "test"
    assert shape == [3, 1, 8, 8] and value == pytest.approx(sse["value"], rel=1e-5)

    hooks = environment.site / "aezoo_mine" / "__init__.py"
    text = hooks.read_text()
    for wrong, reason in (
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        (text.replace("aezoo_components", "aezoo_component"), "did you mean 'aezoo_components'?"),
    ):
        hooks.write_text(wrong)
        assert {row["kind"] for row in json.loads(aezoo("list", "--json"))} >= {"prior", "recipe"}
        (row,) = [row for row in json.loads(aezoo("plugins", "--json")) if row["name"] == "aezoo_mine"]
        assert row["status"] == "FAILED" and reason in row["reason"]
    hooks.write_text(text)


def test_a_plugin_from_its_first_file_to_its_end(tmp_path):
    """Where the parent's packages are seen, aezoo among them."""
    pytest.importorskip("hatchling")
    from_the_first_file_to_the_end(seeing_the_parents_packages(tmp_path))


@pytest.fixture
def environment(tmp_path):
    """Removed at the end: torch's libraries are gigabytes, and pytest keeps three sessions."""
    yield fresh(tmp_path)
    shutil.rmtree(tmp_path / "venv")


@pytest.mark.slow
def test_a_plugin_from_its_first_file_to_its_end_where_nothing_else_is_installed(environment):
    """aezoo and all it needs from the package index; then what takes longer."""
    where = environment.call(environment.python, "-c", "import aezoo; print(aezoo.__file__)")
    assert where.startswith(str(environment.site))
    from_the_first_file_to_the_end(environment)

    assert ", 0 FAILED" in environment.aezoo("plugin", "check", "aezoo-mine")
    environment.pip_install("./aezoo-mine[test]")
    environment.call(environment.python, "-m", "pytest", "-q", "aezoo-mine")
    resume = ("train", "run/config.toml", "--out", "run", "--steps", 7, "--resume", "--quiet")
    environment.aezoo(*resume)

    hooks = environment.site / "aezoo_mine" / "__init__.py"
    hooks.write_text("raise RuntimeError('no luck')")
    assert "no luck" in environment.aezoo("sample", "run", code=3)
    environment.call(environment.python, "-m", "pip", "uninstall", "--yes", "--quiet", "aezoo-mine")
    assert "pip install aezoo-mine" in environment.aezoo("sample", "run", code=3)
