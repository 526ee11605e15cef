"""Whose code is executed. Torch-free.

Installed parts are. A `module:Class` and a one-file plugin are when a user asks for them: on the command
line, from Python, in a TOML file of their own. A run directory is data, which may come from anywhere: what it
names is executed when it was asked for in this process already, or with `--trust`, `trust=True` in Python.

Everything passes the two doors `check_class` and `check_file`, whoever reads the name, and whenever: what
nobody allowed is refused. docs/security.md says the same to users.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aezoo.config.merge import read_toml
from aezoo.config.run import RUNS_OWN
from aezoo.errors import ConfigError
from aezoo.files import sha256
from aezoo.registry import registry

_CLASS = re.compile(r"[\w.]+:[\w.]+")
FIX = "read it, and allow it with --trust; from Python with trust=True"


def allow_classes(said: Any) -> None:
    """Let every `module:Class` be imported that a table of the user's own names, wherever in it."""
    registry.allow(text for text in _texts(said) if _CLASS.fullmatch(text))


def check_class(name: str, where: str) -> None:
    """Raises:  ConfigError for a `module:Class` that nobody allowed"""
    if name not in registry.allowed():
        module = name.partition(":")[0]
        raise ConfigError(
            f"'{name}' is no installed part, and opening a run executes no other code: it would import the "
            f"module '{module}' and call the class",
            where=where,
            fix=f"{FIX}, or give the part itself with modules=",
        )


def allow_file(content: bytes) -> None:
    """Let a one-file plugin of this content be executed, whatever it is called and wherever it lies."""
    registry.allow([sha256(content)])


def check_file(path: Path, content: bytes, where: str) -> None:
    """Raises:  ConfigError for a one-file plugin that nobody allowed"""
    if sha256(content) not in registry.allowed():
        raise ConfigError(
            f"the one-file plugin {path} comes with a run, and opening a run executes installed parts only",
            where=where,
            fix=FIX,
        )


def is_of_run(file: Path) -> bool:
    """Whether a TOML file is a run's: it is called `config.toml`, or lies in or below a run directory."""
    real = file.resolve()
    return "config.toml" in (file.name, real.name) or any(map(_is_run, real.parents))


def check_own(file: Path) -> None:
    """Raises:  ConfigError for a grid or an experiment of a run, whose settings would count as the user's"""
    if is_of_run(file):
        raise ConfigError(
            f"{file} lies in a run directory, where nobody knows who wrote it",
            where=str(file),
            fix="read it, and copy it to a place of your own",
        )


def check_inside(text: str, file: Path) -> None:
    """Raises:  ConfigError for a plugin that a run names outside its directory, by a link too"""
    path, home = Path(text), file.parent.resolve()
    if path.is_absolute() or ".." in path.parts or not (home / path).resolve().is_relative_to(home):
        raise ConfigError(
            f"the one-file plugin '{text}' is not inside the run directory",
            where=f"plugins in {file}",
            fix="load a file of your own with --plugin FILE.py",
        )


def _is_run(folder: Path) -> bool:
    file = folder / "config.toml"
    try:
        return file.is_file() and read_toml(file).keys() >= RUNS_OWN
    except ConfigError:  # there is none, or some other program's
        return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
