"""Who may import whom, and what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "torch_fidelity", "scipy")
PLUGIN_FILES = sorted((ROOT / "plugins").rglob("*.py"))
CORE_FILES = sorted((ROOT / "aezoo").rglob("*.py"))

# Recipe and part names that are also plain words of the trade: the core may need them for something else,
# such as a key of a measure ("mse"), a choice ("none") or a distribution ("normal").
PLAIN_WORDS = {
    *("backbone", "point", "gaussian", "normal", "mixture", "none", "mlp", "conv", "kl", "synthetic"),
    *("mse", "l1", "bce", "digits", "folder", "npz"),
}


def _after(*lines: str) -> set[str]:
    """The heavy libraries loaded once the lines have run in a fresh interpreter."""
    loaded = f"print(*[m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    probe = "\n".join([*lines, "import sys", loaded])
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def _command(*arguments: str) -> tuple[str, ...]:
    return (
        "import sys",
        f"sys.argv = {['aezoo', *arguments]}",
        "from aezoo.cli.main import main",
        "try: main()",
        "except SystemExit as left: assert not left.code, left.code",
    )


LIGHT = (
    *("aezoo", "aezoo.cli.main", "aezoo.registry", "aezoo.catalogue", "aezoo.hookspecs", "aezoo.describe"),
    *("aezoo.foreign", "aezoo.skeleton"),
)


@pytest.mark.parametrize("module", LIGHT)
def test_importing_the_light_modules_loads_no_heavy_library(module):
    assert _after(f"import {module}") == set()


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("list",), ("list", "--json"), ("plugins",), ("plugin", "--help"), ("--version",)],
)
def test_a_command_that_only_lists_loads_no_heavy_library(arguments):
    assert _after(*_command(*arguments)) == set()


def test_the_help_of_every_command_loads_no_heavy_library():
    loaded = _after(
        "import sys",
        "from aezoo.cli.main import build, main",
        "for name in [command.name for command in build().registered_commands]:",
        "    sys.argv = ['aezoo', name, '--help']",
        "    try: main()",
        "    except SystemExit as left: assert not left.code, (name, left.code)",
    )
    assert loaded == set()


@pytest.mark.parametrize("package", sorted({path.parent.name for path in PLUGIN_FILES}))
def test_a_plugin_package_loads_no_heavy_library(package):
    assert _after(f"import {package}") == set()


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


def _rows() -> list[dict[str, str]]:
    return tomllib.loads((ROOT / "registry.toml").read_text())["component"]


def _distinctive() -> set[str]:
    return {row["name"] for row in _rows()} - PLAIN_WORDS


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
