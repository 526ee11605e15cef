"""What a comparison takes again is of the same code: parts, metrics, extractors, also in one file."""

import json

import pytest

from aezoo.comparison.compare import plan, run_grid
from aezoo.comparison.grid import Request, grid_of
from aezoo.errors import ConfigError
from aezoo.registry import registry
from aezoo.registry.code import digest
from aezoo.resolve import resolve
from aezoo.tables.cell import content_id
from tests.registry.test_onefile import MODULE, PART
from tests.tiny import SETS
from tests.working import Here

METRIC = """
from aezoo import ComponentInfo, hookimpl
from aezoo.api import Measure, ModelMetric, Value

class One(ModelMetric):
    measures = {"one": Measure("lower", "one, always")}

    def measure(self, evaluation):
        yield Value("one", 1.0, of="generation")

@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="metric", name="one", target="mm:One")]
"""
OURS = {
    "vae": "4c5bc2cc19",
    "flexae-sr": "694a105e4f",
    "ae-gmm": "8d590c07c1",
}


@pytest.fixture(autouse=True)
def _own_registry():
    with registry.isolate():
        yield


def grid(tmp_path, *methods, **options):
    asked = {"seeds": 1, "steps": 2, "sets": SETS, "metrics": ["reconstruction"], "n": 50, **options}
    return grid_of(Request(methods=methods, home=tmp_path / "runs", **asked))


def cube(tmp_path, **options):
    sets = (*SETS, "prior=cube")
    return grid(tmp_path, "vae", sets=(*sets, "divergence=wgan"), plugins=[tmp_path / "cube.py"], **options)


def states(asked):
    return [planned.state for planned in plan(asked)]


@pytest.mark.parametrize("recipe", OURS)
def test_a_recipe_of_ours_is_found_where_0_1_0_left_it(recipe):
    assert content_id(resolve(recipe)) == OURS[recipe]


def test_a_cell_of_a_file_that_changed_is_trained_anew(tmp_path):
    (tmp_path / "cube.py").write_text(PART)
    assert not any(one.failure for one in run_grid(cube(tmp_path), Here()))
    assert states(cube(tmp_path)) == ["done"]
    (tmp_path / "cube.py").write_text(PART.replace("self.side *", "2 * self.side *"))
    assert states(cube(tmp_path)) == ["train"]
    (tmp_path / "cube.py").write_text(PART)
    assert states(cube(tmp_path)) == ["done"]


@pytest.mark.parametrize("change", ["version", "code", "distribution"])
def test_a_part_of_another_package_version_or_code_is_another_cell(install, tmp_path, change):
    install("aezoo-cube", "cube_plugin", MODULE)
    sets = ["prior=cube", "divergence=wgan"]
    before = content_id(resolve("vae", sets=sets))
    folder = tmp_path / "aezoo_cube-2.5.dist-info"
    if change == "code":
        (tmp_path / "cube_plugin.py").write_text((tmp_path / "cube_plugin.py").read_text() + "\n# mended\n")
        digest.cache_clear()
    name, version = ("other-cube", "2.5") if change == "distribution" else ("aezoo-cube", "2.6")
    if change != "code":
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    with registry.isolate():
        registry._read.cache_clear()
        assert content_id(resolve("vae", sets=sets)) != before


def test_a_metric_in_a_file_is_found_and_measured_anew_when_the_file_changes(tmp_path):
    (tmp_path / "mm.py").write_text(METRIC)
    asked = {"metrics": ["one"], "plugins": [tmp_path / "mm.py"]}
    (outcome,) = run_grid(grid(tmp_path, "vae", **asked), Here())
    assert [row["value"] for row in outcome.results["results"] if row["metric"] == "one"] == [1.0]
    assert states(grid(tmp_path, "vae", **asked)) == ["done"]
    (tmp_path / "mm.py").write_text(METRIC.replace("1.0", "2.0"))
    assert states(grid(tmp_path, "vae", **asked)) == ["measure"]
    (outcome,) = run_grid(grid(tmp_path, "vae", **asked), Here())
    (row,) = [row for row in outcome.results["results"] if row["metric"] == "one"]
    assert row["value"] == 2.0 and [*row["packages"]] == ["metric/mm.py:one"]


def test_processes_find_a_metric_in_a_file_for_recipes_and_for_runs(run, tmp_path):
    (tmp_path / "mm.py").write_text(METRIC)
    words = [word for text in SETS for word in ("--set", text)]
    measured = ("--metrics", "one", "-n", 50, "--plugin", "mm.py", "--quiet", "--format", "json")
    code, out, err = run("compare", "vae", "--seeds", 1, "--steps", 2, *words, *measured)
    assert code == 0 and "generation/one" in out, err
    (path,) = [one.parent for one in tmp_path.glob("runs/*/config.toml")]
    results = json.loads((path / "results.json").read_text())
    (path / "results.json").write_text(json.dumps(results | {"results": [], "evaluation": {}}))
    code, out, err = run("compare", path, *measured)
    assert code == 0 and "generation/one" in out, err


def test_numbers_of_two_versions_of_a_metric_do_not_stand_in_one_column(tmp_path):
    from aezoo.tables.table import build

    outcomes = []
    for value, seed in (("1.0", 0), ("2.0", 1)):
        (tmp_path / "mm.py").write_text(METRIC.replace("1.0", value))
        sets = (*SETS, f"train.seed={seed}")
        asked = {"metrics": ["one"], "plugins": [tmp_path / "mm.py"], "sets": sets}
        outcomes += run_grid(grid(tmp_path, "vae", **asked), Here())
    with pytest.raises(ConfigError, match="two protocols: packages"):
        build(outcomes)


def test_a_run_whose_prior_changed_is_measured_again(tmp_path):
    (tmp_path / "cube.py").write_text(PART)
    (outcome,) = run_grid(cube(tmp_path), Here())
    path = outcome.cell.path
    assert states(grid(tmp_path, str(path))) == ["done"]
    (path / "plugins" / "cube.py").write_text(PART.replace("self.side *", "2 * self.side *"))
    with registry.isolate():
        assert states(grid(tmp_path, str(path), trust=True)) == ["measure"]


def test_a_file_of_settings_is_a_row_and_a_directory_of_one_name(tmp_path):
    (tmp_path / "wide.toml").write_text('base = "vae"\n')
    (cell,) = grid(tmp_path, str(tmp_path / "wide.toml")).cells
    assert cell.method == "wide" and cell.path.name == f"wide-digits-s0-{cell.id}"


def test_a_run_that_was_called_otherwise_before_is_found(tmp_path):
    (tmp_path / "wide.toml").write_text('base = "vae"\n')
    (cell,) = grid(tmp_path, str(tmp_path / "wide.toml")).cells
    before = cell.path.with_name(f"vae-digits-s0-{cell.id}")
    before.mkdir(parents=True)
    (before / "config.toml").touch()
    assert grid(tmp_path, str(tmp_path / "wide.toml")).cells[0].path == before
