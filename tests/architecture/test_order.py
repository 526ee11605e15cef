"""Packages import one way only, in the order that docs/architecture.md gives."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "aezoo"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FILES = sorted(CORE.rglob("*.py"))
ROOMS = re.findall(r"^\| `([\w.]+?)(?:/|\.py)` \|", PAGE, re.MULTILINE)
"""Folders and modules of the core, from the one that may import all others to the one that imports none."""


def test_the_page_lists_the_folders_and_modules_that_there_are():
    folders = {path.parent.name for path in CORE.glob("*/__init__.py")}
    modules = {path.stem for path in CORE.glob("*.py")} - {"__init__", "__main__"}
    assert sorted(ROOMS) == sorted(folders | modules)


def test_the_page_names_only_files_that_there_are():
    named = re.findall(
        r"`((?:aezoo|plugins|config|parts|training|rundir|verbs|cli|data|tables|comparison|report)/[\w/.]+)`",
        PAGE,
    )
    lost = {name for name in named if not (ROOT / name).exists() and not (CORE / name).exists()}
    assert len(named) > 30 and lost - {"plugins/aezoo_KIND/", "aezoo/cli/COMMAND.py"} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_imports_only_what_stands_below_it(path):
    room = path.relative_to(CORE).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return  # the door itself, which imports on use, and the way in
    below = ROOMS[ROOMS.index(room) :]
    above = {module for module in _imports(path) if module.split(".")[1] not in below}
    assert above == set()


def test_no_module_imports_itself_by_way_of_others():
    def reach(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            for module in _graph().get(waiting.pop(), ()):
                if module not in found:
                    found.add(module)
                    waiting.append(module)
        return found

    assert len(_graph()) > 150 and [name for name in _graph() if name in reach(name)] == []


@cache
def _graph() -> dict[str, set[str]]:
    names = {_name(path): path for path in FILES}
    return {name: {one for one in _imports(path) if one in names} for name, path in names.items()}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[str]:
    """Modules of the core that running a file can import, inside functions too; not those of annotations."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in for_types and isinstance(node, ast.ImportFrom) and node.module:
            yield from (found for alias in node.names if (found := _module(node.module, alias.name)))


def _module(module: str, name: str) -> str:
    """What `from module import name` imports of the core; empty for others, and for names of `aezoo`."""
    inner = f"{module}.{name}"
    if not inner.startswith("aezoo."):
        return ""
    path = ROOT / inner.replace(".", "/")
    return inner if path.is_dir() or path.with_suffix(".py").exists() else module * (module != "aezoo")
