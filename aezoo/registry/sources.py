"""The TOML files of recipes and experiments, registered or a user's, and those they extend. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aezoo.config.merge import Table, parse_toml, read_toml
from aezoo.errors import ConfigError, MissingError
from aezoo.registry import registry
from aezoo.registry.catalogue import ComponentInfo


@dataclass(frozen=True)
class Source:
    """One file.

    table:   what it says; where a registered one states no paper, with that of its row
    origin:  what it is called in messages
    place:   on disk, or the row whose target is the file
    """

    table: Table
    origin: str
    place: Path | ComponentInfo

    def text(self) -> str:
        """The file as it is written."""
        file = self.place if isinstance(self.place, Path) else registry.recipe_file(self.place)
        return file.read_text(encoding="utf-8")


def sources(kind: str, name: str | Path, where: str) -> Iterator[Source]:
    """A file, then the one its `base` names, and so on; each is looked up when it is asked for.

    name:   of a registered recipe or experiment, or a path; that of a base is seen from the file naming it
    where:  the option that the name was written in

    Raises:  ConfigError for unknown names, and where a file extends itself; MissingError
    """
    place, above = _place(kind, name, where), list[str]()
    while True:
        source = _read(kind, place, where)
        if source.origin in above:
            raise ConfigError(f"{source.origin} extends itself", where=where, fix="name another base")
        yield source
        base = source.table.get("base")
        if base is None:
            return
        above.append(source.origin)
        where = f"base in {source.origin}"
        place = _place(kind, base, where, source.place)


def _place(kind: str, name: Any, where: str, above: Path | ComponentInfo = Path()) -> Path | ComponentInfo:
    """A file, seen from the one that names it, or a registered row."""
    if not isinstance(name, str | Path):
        raise ConfigError(f"'base' cannot be {name!r}", where=where, fix=f'name {kind} or file: base = "..."')
    is_path = isinstance(name, Path) or name.endswith(".toml") or "/" in name
    if isinstance(above, Path):
        file = above.parent / name
        if is_path or (name and not registry.brings(kind, str(name)) and file.exists()):
            return file
        return registry.find(kind, registry.typed_name(kind, str(name), where), where)
    if is_path:
        return registry.beside(above, str(name))
    own = f"{above.distribution}:{name}"
    return registry.find(kind, own if registry.brings(kind, own) else str(name), where)


def _read(kind: str, place: Path | ComponentInfo, where: str) -> Source:
    if isinstance(place, Path):
        table, origin, row = read_toml(place, where), str(place), _row(kind, place)
    else:
        origin, row = f"{kind} {place.name}", place
        table = parse_toml(registry.recipe_file(place, where).read_bytes(), origin)
    cited = row.paper.citation() if row and row.paper else {}
    if kind == "experiment":
        table = {**cited, **table}
    elif isinstance(table.get("recipe"), Mapping):
        table["recipe"] = {**cited, **table["recipe"]}
    return Source(table, origin, place)


def _row(kind: str, file: Path) -> ComponentInfo | None:
    """The row of a registered file that is named by its path."""
    for info in registry.list_components(kind):
        if info.target.endswith(f"/{file.name}"):
            with suppress(MissingError):
                found = registry.recipe_file(info)
                if isinstance(found, Path) and found.samefile(file):
                    return info
    return None
