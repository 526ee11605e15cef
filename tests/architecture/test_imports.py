"""Who may import whom, and what stays light."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from aezoo.cli.main import build
from aezoo.evaluation.names import LABELS
from aezoo.parts.interfaces import Component
from aezoo.registry import registry
from aezoo.registry.catalogue import KINDS, ComponentInfo

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "torch_fidelity", "scipy")
PLUGIN_FILES = sorted((ROOT / "plugins").rglob("*.py"))
CORE_FILES = sorted((ROOT / "aezoo").rglob("*.py"))
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
    tree = ast.parse(path.read_text())
    packages = {info.target.partition(":")[0].split(".")[0] for info in registry.list_components()}
    assert {text.value for text in _literals(tree) for package in packages if package in text.value} == set()
    assert _parts_in(tree) == set()


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("if prior == 'normal': pass", {"normal"}),
        ("LOSSES = {'kl': kl, 'wgan': wgan}", {"kl", "wgan"}),
        ("def train(recipe='vae'): pass", {"vae"}),
        ("fix = f'{hint}choose another one, such as wgan'", {"wgan"}),
        ("fix = 'name one: --set prior.during=normal'", {"normal"}),
        ("fix = 'see `aezoo show recipe/flexae-sr`, or the prior pgen'", {"flexae-sr", "pgen"}),
        ("why = 'the two-stage prior is fitted'", {"two-stage"}),
        ('class KL: "As the divergence kl is named."', set()),
        ("__all__ = ['mlp']", set()),
        ("found = {'mse': error, 'gaussian': rows}['mse']", set()),
        ("kinds, ending = ('backbone', 'metric'), '.npz'", set()),
        ("why = 'an entry point, or a folder of none but digits'", set()),
        ("during = settings.get('during', 'none')", set()),
    ],
)
def test_a_string_names_a_part_only_where_it_means_one(source, named):
    assert _parts_in(ast.parse(source)) == named


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            yield node.module or ""


def _literals(tree: ast.AST) -> list[ast.Constant]:
    """Strings, docstrings left out: those may explain by example."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose]
    return [node for node in constants if isinstance(node.value, str)]


def _parts_in(tree: ast.AST) -> set[str]:
    """The parts and recipes that strings name; `__all__` names Python's, and a key may name a number."""
    exported, keys = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            exported |= {id(inner) for inner in ast.walk(node)}
        keys |= {id(key) for key in getattr(node, "keys", ())} | {id(getattr(node, "slice", None))}
    texts = [
        node.value
        for node in _literals(tree)
        if id(node) not in exported and not (id(node) in keys and node.value in _numbers())
    ]
    return {name for text in texts for name in _mentions().findall(text)} | _names().intersection(texts)


@cache
def _mentions() -> re.Pattern[str]:
    """A name in a text: in quotes, after `=`, `/`, "such as" or a kind; one that is no word anywhere."""
    names = sorted(map(re.escape, _names()), key=len, reverse=True)
    lead = rf"(?<=['\"`=/])|\b(?:{'|'.join(('such as', *KINDS))}) "
    return re.compile(rf"(?:{lead}|\b(?=[a-z]+[-\d]))({'|'.join(names)})(?![\w-])")


@cache
def _names() -> set[str]:
    """Parts and recipes by name, but what a kind is called too, and parts that do nothing, such as `none`.

    A metric's name is that of its measure, of which the core may speak.
    """
    parts = [info for info in registry.list_components() if info.kind != "metric"]
    return {info.name for info in parts if not _does_nothing(info)} - set(KINDS)


def _does_nothing(info: ComponentInfo) -> bool:
    if info.kind not in ("divergence", "regularizer", "reconstruction"):
        return False
    part = registry.load_target(info)
    return part.terms is Component.terms and part.phases is Component.phases


@cache
def _numbers() -> set[str]:
    """What numbers are kept under: measures, and the sets of rows that are measured."""
    measures = [registry.load_target(info).measures for info in registry.list_components("metric")]
    return {*LABELS, *(name for found in measures for name in found)}
