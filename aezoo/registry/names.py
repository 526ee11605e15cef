"""Names of parts in a table, and whose each is. Torch-free.

`NAME` is aezoo's own part, or that of the only distribution that gives one of the name; `DISTRIBUTION:NAME`
is a certain distribution's, and what runs record. A one-file plugin is a distribution called like its file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from aezoo.config.merge import Table
from aezoo.config.run import PARTS
from aezoo.registry import registry
from aezoo.registry.catalogue import ComponentInfo

Rename = Callable[[str, str, str], str]
"""Kind, name and key -> name."""


def is_class(kind: str, name: str) -> bool:
    """Whether a name is "module:Class": no plugin has a part of that name, and it could be imported."""
    module, colon, _ = name.partition(":")
    importable = all(word.isidentifier() for word in module.split(".")) and not module.endswith(".py")
    return bool(colon) and importable and not registry.brings(kind, name)


def in_users_file(origin: str) -> Rename:
    """For what a user wrote: the full name of what is clear; two distributions' name is refused."""
    return lambda kind, name, key: registry.typed_name(kind, name, f"{key} in {origin}")


def in_file_of(info: ComponentInfo) -> Rename:
    """For what a plugin says of its parts: its own distribution's first, so that no newcomer changes it."""

    def rename(kind: str, name: str, key: str) -> str:
        own = f"{info.distribution}:{name}"
        return registry.full_name(kind, own if ":" not in name and registry.brings(kind, own) else name)

    return rename


def in_run(packages: Mapping[str, str], files: Collection[str]) -> Rename:
    """For a run's config.toml: a bare name is the recorded package's, of the run's own files, or aezoo's own.

    Whoever else brings one of that name is not asked.

    packages:  "kind/name" -> distribution and version
    files:     the run's one-file plugins
    """
    owners = [Path(file).name for file in files]

    def rename(kind: str, name: str, key: str) -> str:
        if ":" in name:
            return name
        if recorded := packages.get(f"{kind}/{name}"):
            return f"{recorded.partition(' ')[0]}:{name}"
        if registry.brings(kind, own := f"{registry.FIRST_PARTY}:{name}"):
            return registry.full_name(kind, own)
        return next((full for file in owners if registry.brings(kind, full := f"{file}:{name}")), own)

    return rename


def renamed(table: Mapping[str, Any], rename: Rename, *, labels: bool = True) -> Table:
    """A copy with every part's name as `rename` has it, also within `scale` and `on`. Other shapes stay.

    labels:  whether a regularizer's table without `name` is of the part called like its label; on top of
             other tables it may add to one that says otherwise
    """
    found = {
        key: _part(key, value, rename, key) if key in PARTS and value is not None else value
        for key, value in table.items()
    }
    if isinstance(regularizers := found.get("regularizer"), Mapping):
        found["regularizer"] = {
            label: _regularizer(label, value, rename, labels) for label, value in regularizers.items()
        }
    for key in ("scale", "on"):
        if isinstance(inner := found.get(key), Mapping):
            found[key] = {
                name: renamed(value, rename, labels=labels) if isinstance(value, Mapping) else value
                for name, value in inner.items()
            }
    return found


def _part(kind: str, value: Any, rename: Rename, key: str) -> Any:
    if isinstance(value, str):
        return rename(kind, value, key)
    if not isinstance(value, Mapping):
        return value
    said = dict(value)
    if isinstance(said.get("name"), str):
        said["name"] = rename(kind, said["name"], f"{key}.name")
    if kind == "prior" and said.get("during", "none") != "none":
        said["during"] = _part("prior", said["during"], rename, f"{key}.during")
    return said


def _regularizer(label: str, value: Any, rename: Rename, labels: bool) -> Any:
    key, table = f"regularizer.{label}", isinstance(value, Mapping)
    if table and ("name" in value or not labels):
        return _part("regularizer", value, rename, key)
    name = rename("regularizer", label, key) if table or value is True else label
    return value if name == label else {**(value if table else {}), "name": name}
