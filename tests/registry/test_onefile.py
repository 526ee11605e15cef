"""Runs that need more than aezoo: one-file plugins travel along, packages that are gone are named."""

import json
import re
import shutil
import sys
import tomllib

import pytest

import aezoo
from aezoo.errors import ConfigError, MissingError
from aezoo.registry import onefile, registry
from aezoo.resolve import resolve
from tests.tiny import WORDS

PART = """
import torch
from aezoo import ComponentInfo, hookimpl
from aezoo.api import LatentPrior

class Cube(LatentPrior):
    def __init__(self, *, latent_dim: int, side: float = 1.0) -> None:
        super().__init__()
        self.latent_dim, self.side = latent_dim, side

    def sample(self, n, generator):
        return self.side * torch.rand(n, self.latent_dim, generator=generator, device=generator.device)

@hookimpl
def aezoo_components():
    brings = {"divergence": "wgan"}
    return [ComponentInfo(kind="prior", name="cube", target="cube:Cube", defaults=brings)]
"""


def train(run, *arguments, steps=2):
    return run("train", *arguments, *WORDS, "--steps", steps, "--quiet")


@pytest.fixture
def trained(run, tmp_path):
    (tmp_path / "cube.py").write_text(PART)
    assert train(run, "--prior", "cube", "--plugin", "cube.py", "--out", "run") == (0, "", "")
    return tmp_path / "run"


# --- one file


def test_a_run_with_a_one_file_plugin_moves_and_still_samples_and_loads(run, tmp_path, trained):
    (tmp_path / "cube.py").unlink()
    moved = tmp_path / "elsewhere" / "run"
    shutil.move(trained, moved)
    assert run("sample", moved, "-n", 4, "--out", "a.npz", "--trust")[0] == 0
    assert run("reconstruct", moved, "-n", 4, "--out", "b.npz", "--trust")[0] == 0
    with registry.isolate():
        assert aezoo.load(moved, trust=True).sample(3).shape == (3, 1, 8, 8)


def test_the_config_names_the_copy_and_no_absolute_path(tmp_path, trained):
    text = (trained / "config.toml").read_text()
    assert tomllib.loads(text)["plugins"] == ["plugins/cube.py"] and str(tmp_path) not in text
    assert (trained / "plugins" / "cube.py").read_text() == PART


def test_a_run_resumes_with_the_flag_or_from_its_own_config(run, tmp_path, trained):
    resume = ("--out", "run", "--resume")
    assert train(run, "--prior", "cube", "--plugin", "cube.py", *resume, steps=3)[0] == 0
    (tmp_path / "cube.py").unlink()
    code, _, err = run("train", "run/config.toml", *resume, "--steps", 4, "--quiet", "--trust")
    assert (code, err) == (0, "")


def test_a_run_is_not_resumed_with_another_file_of_the_name(run, tmp_path, trained):
    (tmp_path / "cube.py").write_text(PART + "\n# changed\n")
    before = (trained / "plugins" / "cube.py").read_bytes()
    code, _, err = train(run, "--prior", "cube", "--plugin", "cube.py", "--out", "run", "--resume", steps=3)
    assert code == 2 and "cube.py" in err and "--plugin" in err
    assert (trained / "plugins" / "cube.py").read_bytes() == before


def test_two_runs_with_different_files_of_one_name_load_in_one_process(run, tmp_path, trained):
    (tmp_path / "cube.py").write_text(PART.replace("self.side *", "100 +"))
    assert train(run, "--prior", "cube", "--plugin", "cube.py", "--out", "other")[0] == 0
    with registry.isolate():
        codes = [aezoo.load(path, trust=True).sample_codes(4).max() for path in ("run", "other", "run")]
    assert codes[0] <= 1 and codes[1] >= 100 and codes[2] <= 1


def test_a_run_file_names_plugins_beside_itself(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cube.py").write_text(PART)
    (tmp_path / "mine" / "run.toml").write_text(
        'plugins = ["cube.py"]\nprior = { name = "cube", side = 2.0 }\n'
    )
    assert train(run, "mine/run.toml", "--out", "run")[0] == 0
    assert tomllib.loads((tmp_path / "run" / "config.toml").read_text())["prior"]["side"] == 2.0


def test_python_takes_plugins_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cube.py").write_text(PART)
    with registry.isolate():
        made = aezoo.train(prior="cube", plugins=["cube.py"], steps=2, backbone="mlp", out="run")
        assert made.config.plugins == ("plugins/cube.py",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("x = 1\nraise RuntimeError('no luck')\n", "cube.py, line 2"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def broken(:", "SyntaxError"),
        ("x = 1", "no hook"),
        (PART.replace("aezoo_components", "aezoo_component"), "aezoo_component"),
        (PART + "\naezoo_api = 99\n", "API 99"),
        (PART + "\naezoo_api = '1'\n", "aezoo_api is '1'"),
        (PART.replace('"prior"', '"priorr"'), "kind 'priorr'"),
    ],
    ids=["raises", "line", "exits", "syntax", "no-hook", "misspelt", "api", "api-text", "kind"],
)
def test_a_file_that_cannot_be_used_is_exit_code_2_and_says_why(run, tmp_path, text, reason):
    (tmp_path / "cube.py").write_text(text)
    code, _, err = train(run, "--prior", "cube", "--plugin", "cube.py", "--out", "run")
    assert code == 2 and reason in err and "cube.py" in err and "fix:" in err
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_there_is_exit_code_2(run):
    code, _, err = train(run, "--plugin", "none.py")
    assert code == 2 and "none.py" in err and "--plugin" in err


def test_two_files_of_one_name_are_refused(run, tmp_path):
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "cube.py", tmp_path / "a" / "cube.py"):
        path.write_text(PART)
    code, _, err = train(run, "--plugin", "cube.py", "--plugin", "a/cube.py")
    assert code == 2 and "cube.py" in err and "rename" in err


def test_a_run_whose_copy_is_gone_says_which_file(run, trained):
    (trained / "plugins" / "cube.py").unlink()
    code, _, err = run("sample", trained)
    assert code == 3 and "cube.py" in err and "put the file back" in err


def test_list_and_show_take_the_file_that_train_takes(run, tmp_path):
    (tmp_path / "cube.py").write_text(PART)
    given = ("--plugin", "cube.py", "--json")
    listed = {row["name"]: row["plugin"] for row in json.loads(run("list", "prior", *given)[1])}
    assert listed["cube"] == "cube.py" and "pgen" in listed
    code, out, _ = run("show", "prior/cube", *given)
    (side,) = json.loads(out)["settings"]
    assert (code, side["name"], side["default"]) == (0, "side", 1.0)
    assert run("show", "prior/cube")[0] == 2  # nothing is kept from one command to the next


@pytest.mark.parametrize("words", [("list",), ("show", "prior/cube")], ids=["list", "show"])
def test_list_and_show_refuse_a_file_that_cannot_be_used_as_train_does(run, tmp_path, words):
    (tmp_path / "cube.py").write_text(PART.replace("aezoo_components", "aezoo_component"))
    code, out, err = run(*words, "--plugin", "cube.py")
    assert (code, out) == (2, "") and "did you mean 'aezoo_components'" in err and "cube.py" in err
    assert run(*words, "--plugin", "none.py")[0] == 2


# --- packages


MODULE = PART.replace("cube:", "cube_plugin:")


@pytest.fixture
def packaged(install, run):
    """A run with a prior out of an installed distribution, aezoo-cube 2.5."""
    install("aezoo-cube", "cube_plugin", MODULE)
    assert train(run, "--prior", "cube", "--out", "run")[0] == 0


def test_a_run_records_the_distribution_behind_each_foreign_part(packaged, tmp_path):
    table = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert table["prior"]["name"] == "aezoo-cube:cube" and [*table["packages"]] == ["prior/aezoo-cube:cube"]
    assert re.fullmatch(r"aezoo-cube 2\.5 sha256:[0-9a-f]{16}", table["packages"]["prior/aezoo-cube:cube"])


@pytest.mark.parametrize("command", [("sample", "run"), ("train", "run/config.toml", "--out", "new")])
def test_a_run_of_a_plugin_that_is_not_installed_names_the_package(packaged, run, tmp_path, command):
    shutil.rmtree(tmp_path / "aezoo_cube-2.5.dist-info")
    code, _, err = run(*command)
    assert code == 3 and "aezoo-cube 2.5" in err and "pip install aezoo-cube" in err and "cube" in err


def test_a_run_of_a_plugin_that_broke_says_why(packaged, run, tmp_path):
    (tmp_path / "cube_plugin.py").write_text("raise RuntimeError('no luck')")
    sys.modules.pop("cube_plugin")
    code, _, err = run("sample", "run")
    assert code == 3 and "FAILED" in err and "no luck" in err and "aezoo-cube" in err


def test_a_run_of_a_plugin_that_lost_the_part_names_the_version_that_had_it(packaged, run, tmp_path):
    (tmp_path / "cube_plugin.py").write_text(MODULE.replace('name="cube"', 'name="box"'))
    sys.modules.pop("cube_plugin")
    code, _, err = run("sample", "run")
    assert code == 3 and "pip install aezoo-cube==2.5" in err


def test_a_part_that_breaks_while_it_is_imported_is_no_traceback(install, run, tmp_path):
    (tmp_path / "cube_part.py").write_text("raise RuntimeError('no luck')")
    install("aezoo-cube", "cube_plugin", MODULE.replace("cube_plugin:", "cube_part:"))
    code, _, err = train(run, "--prior", "cube")
    assert code == 1 and "no luck" in err and "aezoo-cube 2.5" in err


def test_aezoos_own_parts_need_no_package():
    assert resolve("vae").packages == {}


def test_a_plugin_list_that_is_no_list_is_refused(tmp_path):
    (tmp_path / "run.toml").write_text('plugins = "cube.py"')
    with pytest.raises(ConfigError, match="plugins"):
        resolve(tmp_path / "run.toml")


def test_what_is_missing_is_a_missing_error(tmp_path):
    with pytest.raises(MissingError):
        onefile.make_ready({"plugins": ["gone.py"]}, tmp_path / "run.toml", own=True, trusted=False)


def test_a_foreign_prior_in_force_while_training_is_recorded_and_named_when_it_is_gone(
    install, run, tmp_path
):
    install("aezoo-cube", "cube_plugin", MODULE)
    during = ("--prior", "gmm", "--divergence", "wgan", "--set", "prior.during=cube")
    assert train(run, *during, "--out", "run")[0] == 0
    table = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert [*table["packages"]] == ["prior/aezoo-cube:cube"]
    shutil.rmtree(tmp_path / "aezoo_cube-2.5.dist-info")
    for command in (("sample", "run"), ("train", "run/config.toml", "--out", "new")):
        code, _, err = run(*command)
        assert code == 3 and "'cube'" in err and "pip install aezoo-cube" in err
