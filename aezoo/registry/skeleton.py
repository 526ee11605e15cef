"""A plugin's first files: a complete distribution with one prior and one regularizer. Torch-free."""

from __future__ import annotations

import re
import shutil
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

from aezoo.errors import ConfigError
from aezoo.files import make_directory, write_text, writing
from aezoo.registry import registry

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
ENDING = ".jinja"


def write_skeleton(name: str, parent: Path) -> Path:
    """Write `aezoo-NAME/` into a directory; all of it or nothing.

    Raises:  ConfigError for a name that cannot be used, or a directory that exists
    """
    _check_name(name)
    directory = parent / f"aezoo-{name}"
    if directory.exists():
        raise ConfigError(
            f"{directory} exists", where="NAME", fix="choose another name, or move the directory away"
        )
    unfinished = parent / f".{directory.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        for path, text in contents(name).items():
            make_directory((unfinished / path).parent)
            write_text(unfinished / path, text)
        with writing(directory):
            unfinished.rename(directory)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return directory


def contents(name: str) -> dict[str, str]:
    """Relative path -> text of each file."""
    from jinja2 import Environment, StrictUndefined

    module = f"aezoo_{name.replace('-', '_')}"
    words = {
        "name": name,
        "pull": f"{name}-pull",
        "distribution": f"aezoo-{name}",
        "module": module,
        "title": "".join(word.capitalize() for word in name.split("-")),
    }
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    return {
        path.replace("package/", f"{module}/").removesuffix(ENDING): environment.from_string(
            template.read_text(encoding="utf-8")
        ).render(words)
        for path, template in _templates(files("aezoo") / "templates" / "plugin")
    }


def _templates(folder: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _templates(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(ENDING):
            found.append((f"{prefix}{entry.name}", entry))
    return found


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or name.startswith("aezoo-"):
        raise ConfigError(
            f"a plugin cannot be called '{name}'",
            where="NAME",
            fix=f"use small letters, digits and single hyphens, such as '{_possible(name)}'",
        )
    taken = _collision(name)
    if taken:
        raise ConfigError(
            f"{taken} is there already", where="NAME", fix=f"choose another, such as 'my-{name}'"
        )


def _possible(name: str) -> str:
    """The nearest name that can be used."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").removeprefix("aezoo-")
    plain = plain if plain[:1].isalpha() else f"my-{plain}".strip("-")
    return f"my-{plain}" if _collision(plain) else plain


def _collision(name: str) -> str:
    """What a plugin of that name would collide with; empty for nothing."""
    module = f"aezoo_{name.replace('-', '_')}"
    if find_spec(module) is not None:
        return f"a package {module}"
    for kind, part in (("prior", name), ("regularizer", f"{name}-pull")):
        if registry.owner(kind, part) is not None:
            return f"a {kind} '{part}'"
    return ""
