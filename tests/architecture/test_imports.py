"""Who may import whom, and what stays light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from aezoo.cli.main import build

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "torch_fidelity", "scipy")
PLUGIN_FILES = sorted((ROOT / "plugins").rglob("*.py"))
CORE_FILES = sorted((ROOT / "aezoo").rglob("*.py"))

# Recipe and part names that are also plain words of the trade: the core may need them for something else,
# such as a key of a measure ("mse"), a choice ("none") or a distribution ("normal").
PLAIN_WORDS = {
    *("backbone", "point", "gaussian", "normal", "mixture", "none", "mlp", "conv", "kl", "synthetic"),
    *("mse", "l1", "bce", "digits", "folder", "npz", "pixels", "identity", "inception"),
}


LIGHT = (
    *(
        "aezoo",
        "aezoo.cli.main",
        "aezoo.registry.registry",
        "aezoo.registry.catalogue",
        "aezoo.registry.hookspecs",
        "aezoo.config.describe",
    ),
    *("aezoo.registry.onefile", "aezoo.registry.skeleton"),
    *("aezoo.tables.table", "aezoo.tables.render"),
)
PACKAGES = sorted({path.parent.name for path in PLUGIN_FILES})
ONLY_LISTING = (
    *(["--help"], ["list"], ["list", "--json"], ["plugins"], ["plugins", "--json"], ["--version"]),
    *(["plugin", "--help"], ["plugin", "new", "--help"], ["plugin", "check", "--help"]),
)

PROBE = """
import json, sys
for step in json.loads(sys.argv[1]):
    exec(step, {})
    print([step, [name for name in %r if name in sys.modules]], file=sys.stderr)
"""


def _loading(steps: Iterable[str]) -> list[str]:
    """The first step after which a heavy library is loaded, and which; they run in one fresh interpreter."""
    command = [sys.executable, "-c", PROBE % (HEAVY,), json.dumps(list(steps))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("[")]
    assert len(lines) == len(list(steps)) > 0, done.stderr
    return [line for line in lines if not line.endswith(", []]")][:1]


def _command(arguments: list[str]) -> str:
    return "\n".join(
        [
            "import sys",
            f"sys.argv = {['aezoo', *arguments]}",
            "from aezoo.cli.main import main",
            "try: main()",
            "except SystemExit as left: assert not left.code, left.code",
        ]
    )


def test_importing_the_light_modules_loads_no_heavy_library():
    assert _loading([f"import {module}" for module in LIGHT]) == []


def test_a_plugin_package_loads_no_heavy_library():
    assert _loading([f"import {package}" for package in PACKAGES]) == []


def test_a_command_that_only_lists_loads_no_heavy_library():
    assert _loading([_command(arguments) for arguments in ONLY_LISTING]) == []


def test_the_help_of_every_command_loads_no_heavy_library():
    names = [command.name for command in build().registered_commands]
    assert {"train", "sample", "doctor"} <= set(names)
    assert _loading([_command([name, "--help"]) for name in names]) == []


def test_a_heavy_library_would_be_seen():
    (line,) = _loading(["import json", "import scipy", "import aezoo"])
    assert "import scipy" in line and "['scipy']" in line


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_plugins_import_only_the_public_names_and_never_each_other(path):
    own = path.relative_to(ROOT / "plugins").parts[0]
    siblings = {folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir()} - {own}
    imported = set(_imported(path))
    inside = {name for name in imported if name.split(".")[0] == "aezoo"}
    assert inside <= {"aezoo", "aezoo.api"}
    assert {name.split(".")[0] for name in imported} & siblings == set()


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_no_plugin(path):
    packages = {folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir()}
    assert {name.split(".")[0] for name in _imported(path)} & packages == set()


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_names_no_plugin_and_no_part_in_a_string(path):
    named = {text for text in _strings(path) if text in _distinctive()}
    named |= {text for text in _strings(path) for package in _packages() if package in text}
    assert named == set()


def test_the_names_looked_for_in_the_core_are_worth_looking_for():
    assert {"pgen", "wgan", "interp", "two-stage", "flexae"} <= _distinctive()


@cache
def _rows() -> list[dict[str, str]]:
    return tomllib.loads((ROOT / "registry.toml").read_text())["component"]


@cache
def _distinctive() -> set[str]:
    """Names of parts and recipes; a metric's is that of its measure, of which the core may speak."""
    return {row["name"] for row in _rows() if row["kind"] != "metric"} - PLAIN_WORDS


@cache
def _packages() -> set[str]:
    return {row["target"].partition(":")[0].split(".")[0] for row in _rows()}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            yield node.module or ""


def _strings(path: Path) -> set[str]:
    """String literals and their words, docstrings left out: those may explain by example."""
    tree = ast.parse(path.read_text())
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    }
    return texts | {word.strip("'\"`.,;:()") for text in texts for word in text.split()}
