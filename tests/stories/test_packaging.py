"""What is built: everything a user needs is inside, and it works where there is no checkout."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "plugins" / "aezoo_baselines" / "recipes"
RECIPES = [path.name for path in FOLDER.glob("*.toml") if "[recipe]" in path.read_text(encoding="utf-8")]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and a source distribution."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return folder


def build(source, folder, *options):
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *options]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    wheel.extractall(folder)
    return folder


def sources(folder):
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT / folder).as_posix() for path in files if path.suffix not in (".pyc", "")}


def test_the_wheel_holds_every_file_of_core_and_plugins(wheel):
    names = set(wheel.namelist())
    assert {f"aezoo/{name}" for name in sources("aezoo")} | sources("plugins") <= names
    assert {"aezoo/registry.toml", "aezoo/py.typed", "aezoo/templates/model_card.md"} <= names
    assert "aezoo/templates/plugin/package/prior.py.jinja" in names
    assert {f"aezoo/templates/report.{ending}" for ending in ("html", "css", "js")} <= names
    assert {f"aezoo_baselines/recipes/{name}" for name in RECIPES} <= names and len(RECIPES) >= 7
    assert wheel.read("aezoo/registry.toml") == (ROOT / "registry.toml").read_bytes()


def test_the_wheel_holds_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    plugins = {path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").exists()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"aezoo", *plugins}
    assert not [name for name in wheel.namelist() if name.endswith(".pyc")]


def test_the_wheel_says_its_licence_and_entry_points(wheel):
    (entries,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(entries).decode()
    assert "aezoo = aezoo.cli.main:main" in text
    for path in (ROOT / "plugins").iterdir():
        if (path / "__init__.py").exists():
            assert f"{path.name} = {path.name}" in text
    (licence,) = [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    (metadata,) = [name for name in wheel.namelist() if name.endswith("dist-info/METADATA")]
    assert "License-Expression: Apache-2.0" in wheel.read(metadata).decode()


def test_the_source_distribution_can_build_and_test_itself(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "registry.toml", "LICENSE", "README.md", "tests/conftest.py"} <= names
    assert {"aezoo/py.typed", "plugins/aezoo_baselines/recipes/flexae.toml"} <= names
    assert not [name for name in names if ".venv" in name or name.startswith("runs/")]


def test_a_new_package_of_plugins_is_built_with_nothing_else_edited(built, wheel, tmp_path):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    mine = source / "plugins" / "aezoo_mine"
    (mine / "recipes").mkdir(parents=True)
    (mine / "__init__.py").touch()
    (mine / "recipes" / "mine.toml").touch()
    build(source, tmp_path / "dist", "-t", "wheel")
    (path,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        new = {"aezoo_mine/__init__.py", "aezoo_mine/recipes/mine.toml"}
        assert set(archive.namelist()) == {*wheel.namelist(), *new}
        (entries,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "aezoo_mine = aezoo_mine" in archive.read(entries).decode()


# The unpacked wheel goes first on the path, and finders of editable installations go.
ALONE = """
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in str(finder).lower()]
checkout = sys.argv.pop(1)
sys.path = [entry for entry in sys.path if not entry.startswith(checkout) or "site-packages" in entry]
import aezoo, runpy
assert not aezoo.__file__.startswith(checkout), aezoo.__file__
runpy.run_module("aezoo", run_name="__main__", alter_sys=True)
"""


def alone(unpacked, cwd, *arguments):
    """`python -m aezoo ...` on the unpacked wheel, away from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "AEZOO_LOAD_PLUGINS": ""}
    command = [sys.executable, "-c", ALONE, str(ROOT), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_unpacked_wheel_lists_all_parts(unpacked, tmp_path):
    done = alone(unpacked, tmp_path, "list", "--json")
    assert done.returncode == 0, done.stderr
    listed = {(row["kind"], row["name"]) for row in json.loads(done.stdout)}
    assert {("recipe", name.removesuffix(".toml")) for name in RECIPES} <= listed
    assert {("prior", "pgen"), ("dataset", "digits")} <= listed


def test_the_unpacked_wheel_trains(unpacked, tmp_path):
    done = alone(unpacked, tmp_path, "train", "vae", "--steps", "2", "--out", "run", "--quiet")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "README.md").exists()
