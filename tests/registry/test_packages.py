"""Runs say whose their parts are, and are opened, measured and gone on with by those."""

import sys
import tomllib

import pytest

import aezoo
from aezoo.errors import ConfigError, MissingError
from aezoo.registry import registry
from aezoo.registry.code import digest
from aezoo.resolve import resolve
from tests.registry.test_onefile import MODULE, PART, train

CODE = "sha256:"


def module(name: str) -> str:
    """A distribution's module with a prior `cube`."""
    return PART.replace("cube:", f"{name}:")


def config(path) -> dict:
    return tomllib.loads((path / "config.toml").read_text())


def uninstall(tmp_path, distribution: str) -> None:
    for file in (folder := tmp_path / f"{distribution.replace('-', '_')}-2.5.dist-info").iterdir():
        file.unlink()
    folder.rmdir()


def release(tmp_path, distribution: str, version: str) -> None:
    """Another version of what is installed as 2.5, with the same code."""
    folder = tmp_path / f"{distribution.replace('-', '_')}-2.5.dist-info"
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")


@pytest.fixture
def made(install, run, tmp_path):
    """A run with the prior `cube` of aezoo-cube 2.5."""
    install("aezoo-cube", "cube_plugin", MODULE)
    assert train(run, "--prior", "cube", "--out", "run") == (0, "", "")
    return tmp_path / "run"


# --- names


def test_a_run_of_two_distributions_with_one_name_says_which_it_took(install, run, tmp_path):
    install("aezoo-cube", "cube_plugin", MODULE)
    install("aaa-cube", "aaa_plugin", module("aaa_plugin").replace("self.side *", "100 +"))
    code, _, err = train(run, "--prior", "cube", "--out", "run")
    assert code == 2 and "'aaa-cube:cube' or 'aezoo-cube:cube'" in err and "--prior" in err
    (tmp_path / "run.toml").write_text('prior = "aezoo-cube:cube"\n')
    assert train(run, "--prior", "aezoo-cube:cube", "--out", "run")[0] == 0
    assert train(run, "run.toml", "--out", "other")[0] == 0
    for path in ("run", "other"):
        assert config(tmp_path / path)["prior"]["name"] == "aezoo-cube:cube"
        with registry.isolate():
            assert aezoo.load(tmp_path / path).sample_codes(4).max() <= 1


def test_python_takes_a_distributions_part(install, monkeypatch, tmp_path):
    install("aezoo-cube", "cube_plugin", MODULE)
    install("aaa-cube", "aaa_plugin", module("aaa_plugin"))
    monkeypatch.chdir(tmp_path)
    made = aezoo.train(prior="aaa-cube:cube", steps=2, backbone="mlp", out="run")
    assert made.config.prior.name == "aaa-cube:cube"
    with pytest.raises(ConfigError, match=r"aaa-cube 2\.5 and in aezoo-cube 2\.5"):
        aezoo.train(prior="cube", steps=2, backbone="mlp", out="other")


def test_a_newcomer_with_the_name_changes_no_run_and_no_recipe(install, run, made, tmp_path):
    install("aaa-cube", "aaa_plugin", module("aaa_plugin").replace("self.side *", "100 +"))
    before = (made / "config.toml").read_bytes()
    assert run("sample", made, "-n", 4, "--out", "a.npz")[::2] == (0, "")
    code, _, err = run("train", made / "config.toml", "--out", made, "--resume", "--steps", 3, "--quiet")
    assert (code, err) == (0, "")
    assert config(made)["packages"] == tomllib.loads(before.decode())["packages"]
    with registry.isolate():
        assert aezoo.load(made).sample_codes(4).max() <= 1


def test_a_plugin_that_has_a_name_of_ours_changes_no_recipe_and_is_never_taken_in_silence(install, run):
    install("aaa-normal", "aaa_plugin", module("aaa_plugin").replace('"cube"', '"normal"'))
    assert resolve("vae").prior.name == "normal" and resolve("vae").packages == {}
    assert resolve("vae", sets=["prior.name=aaa-normal:normal"]).prior.name == "aaa-normal:normal"
    assert resolve("vae", sets=["prior.name=aezoo:normal"]).prior.name == "normal"
    with pytest.raises(ConfigError, match="'normal' is in aezoo"):
        resolve("vae", sets=["prior.name=normal"])


def test_what_a_distribution_says_of_its_own_parts_is_of_its_own(install):
    second = '    return [ComponentInfo(kind="divergence", name="tie", target="NAME:Tie"),'
    for name in ("aezoo_one", "aezoo_two"):
        source = module(name).replace('"wgan"', '"tie"').replace("    return [", second.replace("NAME", name))
        tie = "from aezoo.api import Regularizer\nclass Tie(Regularizer):\n    def terms(self, step): ...\n"
        source = source.replace('name="cube"', f'name="{name[-3:]}"') + tie
        install(name.replace("_", "-"), name, source)
    assert resolve(flags={"x": {"prior": "two"}}).divergence.name == "aezoo-two:tie"


def test_a_distributions_dataset_takes_a_path(install, tmp_path):
    source = """
    class Rows:
        def __init__(self, *, path: str): ...
    @hookimpl
    def aezoo_components():
        return [ComponentInfo(kind="dataset", name="npz", target="rows_plugin:Rows")]
    """
    install("my-rows", "rows_plugin", source)
    found = resolve("vae", sets=["dataset=my-rows:npz:a/b.x"]).dataset
    assert (found.name, found.get("path")) == ("my-rows:npz", str(tmp_path.cwd() / "a/b.x"))


def test_module_and_class_are_told_apart_from_distribution_and_name(install, tmp_path):
    """What stands before the colon is a distribution where that has such a part, else a module."""
    install("cube_plugin", "cube_plugin", MODULE)
    assert resolve(sets=["prior.name=cube_plugin:cube", "divergence=wgan"]).prior.name == "cube-plugin:cube"
    assert resolve(sets=["prior.name=cube_plugin:Cube", "divergence=wgan"]).prior.name == "cube_plugin:Cube"
    with pytest.raises(MissingError, match=r"cube\.py"):
        resolve(sets=["prior.name=cube.py:Cube", "divergence=wgan"])


def test_list_says_what_to_type_and_show_finds_it(install, run):
    install("aezoo-cube", "cube_plugin", MODULE)
    install("aaa-cube", "aaa_plugin", module("aaa_plugin"))
    assert {"aezoo-cube:cube", "aaa-cube:cube"} <= set(run("list", "prior")[1].split())
    assert "aaa-cube 2.5" in run("show", "prior/aaa-cube:cube")[1]
    assert "aezoo-cube 2.5" in run("show", "aezoo-cube:cube")[1]
    for words in ("cube", "prior/cube"):
        code, _, err = run("show", words)
        assert code == 2 and "aaa-cube:cube" in err and "aezoo-cube:cube" in err


# --- another distribution


def test_another_distributions_part_of_the_name_is_never_taken_for_the_runs(install, run, made, tmp_path):
    uninstall(tmp_path, "aezoo-cube")
    install("other-cube", "other_plugin", module("other_plugin"))
    before = (made / "config.toml").read_bytes()
    for command in (
        ("sample", made),
        ("evaluate", made),
        ("train", "--prior", "cube", "--out", made, "--resume"),
        ("train", made / "config.toml", "--out", made, "--resume"),
    ):
        code, _, err = run(*command)
        assert code in (2, 3) and "aezoo-cube" in err, (command, err)
        assert "other-cube" in err or command[1] != made
    assert (made / "config.toml").read_bytes() == before


def test_a_run_of_0_1_0_is_of_the_distribution_that_it_records(install, run, made, tmp_path):
    text = (made / "config.toml").read_text().partition("\n")[2]  # without the seal, which 0.1.0 had not
    origin = config(made)["packages"]["prior/aezoo-cube:cube"]
    text = text.replace("aezoo-cube:cube", "cube").replace(origin, "aezoo-cube 2.5")
    (made / "config.toml").write_text(text)
    install("aaa-cube", "aaa_plugin", module("aaa_plugin"))
    assert run("sample", made, "-n", 4, "--out", "a.npz")[::2] == (0, "")
    code, _, err = run("train", made / "config.toml", "--out", made, "--resume", "--steps", 3, "--quiet")
    assert (code, err) == (0, "") and config(made)["packages"] == {"prior/cube": "aezoo-cube 2.5"}
    uninstall(tmp_path, "aezoo-cube")
    code, _, err = run("sample", made, "-n", 4, "--out", "a.npz")
    assert code == 3 and "pip install aezoo-cube" in err and "aaa-cube 2.5" in err


# --- another version


def test_another_version_is_a_warning_on_use_and_leaves_the_record_alone(run, made, tmp_path):
    release(tmp_path, "aezoo-cube", "2.6")
    before = (made / "config.toml").read_bytes()
    for command in (("sample", made, "-n", 4, "--out", "a.npz"), ("evaluate", made, "--metrics", "codes")):
        code, _, err = run(*command, *(["--quiet"] if command[0] == "evaluate" else []))
        assert code == 0 and "aezoo-cube 2.5" in err and "aezoo-cube 2.6" in err
        assert err.count("aezoo-cube 2.6") == 1
    with registry.isolate():
        aezoo.load(made)
    assert (made / "config.toml").read_bytes() == before


def test_a_run_is_resumed_under_another_version_only_if_that_is_said(run, made, tmp_path):
    release(tmp_path, "aezoo-cube", "2.6")
    before = (made / "config.toml").read_bytes()
    resume = ("--prior", "cube", "--out", "run", "--resume")
    code, _, err = train(run, *resume, steps=3)
    assert code == 2 and "2.6" in err and "pip install aezoo-cube==2.5" in err and "--allow-other-code" in err
    assert (made / "config.toml").read_bytes() == before
    code, _, err = train(run, *resume, "--allow-other-code", steps=3)
    assert code == 0 and "warning" in err and "2.6" in err
    assert "aezoo-cube 2.6" in config(made)["packages"]["prior/aezoo-cube:cube"]


def test_changed_code_of_the_same_version_is_another_version(run, made, tmp_path):
    (tmp_path / "cube_plugin.py").write_text((tmp_path / "cube_plugin.py").read_text() + "\n# mended\n")
    digest.cache_clear()
    code, _, err = run("sample", made, "-n", 4, "--out", "a.npz")
    assert code == 0 and CODE in err
    code, _, err = train(run, "--prior", "cube", "--out", "run", "--resume", steps=3)
    assert code == 2 and CODE in err


def test_a_one_file_plugins_hash_is_recorded_and_an_edited_copy_is_told(run, tmp_path):
    (tmp_path / "cube.py").write_text(PART)
    assert train(run, "--prior", "cube", "--plugin", "cube.py", "--out", "run")[0] == 0
    origin = config(tmp_path / "run")["packages"]["prior/cube.py:cube"]
    assert origin.startswith(f"cube.py {CODE}")
    copy = tmp_path / "run" / "plugins" / "cube.py"
    copy.write_text(PART + "\n# edited\n")
    code, _, err = run("sample", "run", "-n", 4, "--out", "a.npz", "--trust")
    assert code == 0 and origin in err and "warning" in err
    resume = ("--out", "run", "--resume", "--steps", 3, "--quiet", "--trust")
    code, _, err = run("train", "run/config.toml", *resume)
    assert code == 2 and origin in err


def test_an_evaluation_takes_a_metric_from_the_file_given_and_not_from_the_runs_old_copy(run, tmp_path):
    metric = """
from aezoo import ComponentInfo, hookimpl
from aezoo.api import Measure, ModelMetric, Value

class One(ModelMetric):
    measures = {"one": Measure("lower", "one")}

    def measure(self, evaluation):
        yield Value("one", 1.0, of="model")

@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="metric", name="one", target="mm:One")]
"""
    (tmp_path / "mm.py").write_text(metric)
    assert train(run, "--plugin", "mm.py", "--out", "run")[0] == 0
    (tmp_path / "mm.py").write_text(metric.replace("1.0", "2.0"))
    code, out, err = run("evaluate", "run", "--plugin", "mm.py", "--metrics", "one", "--json", "--quiet")
    assert code == 0 and '"value": 2.0' in out, err


# --- what counts as the code


def test_the_code_of_a_package_is_that_of_all_its_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "some_parts").mkdir()
    (tmp_path / "some_parts" / "__init__.py").write_text("")
    (tmp_path / "some_parts" / "inner.py").write_text("x = 1")
    before = digest("some_parts.vamp")
    (tmp_path / "some_parts" / "inner.py").write_text("x = 2")
    assert before == digest("some_parts.vamp")  # of this process
    digest.cache_clear()
    assert len(before) == 64 and digest("some_parts.vamp") != before
    assert "some_parts" not in sys.modules


def test_what_has_no_files_has_no_code():
    assert digest("no_such_package_at_all") == "" and digest("sys") == ""
