"""Laying settings over each other: later ones win, and every key remembers who wrote it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aezoo.config.optimizer import OptimizerConfig
from aezoo.config.run import PARTS
from aezoo.errors import ConfigError

Table = dict[str, Any]


@dataclass
class Layers:
    """Settings merged so far, and where each key came from."""

    values: Table = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def add(self, layer: Mapping[str, Any], origin: str) -> None:
        """Lay another table on top.

        A part named anew drops the settings of the part it replaces. `regularizer.NAME = false` takes
        a regularizer away. A key for all optimizers wins over earlier keys for single phases.
        """
        for section, value in layer.items():
            if section in PARTS:
                self._part((section,), value, origin)
            elif section == "regularizer":
                for name, settings in settings_table(section, value, origin).items():
                    self._regularizer(name, settings, origin)
            elif section == "optimizer" and isinstance(value, Mapping):
                self._forget_phases(value)
                self._merge((section,), value, origin)
            else:
                self._merge((section,), value, origin)

    def origin(self, key: str) -> str:
        """Who wrote a key, or the nearest section around it."""
        while key not in self.origins and "." in key:
            key = key.rpartition(".")[0]
        return self.origins.get(key, "the defaults")

    def _part(self, path: tuple[str, ...], value: Any, origin: str) -> None:
        settings = {"name": value} if isinstance(value, str) else settings_table(path[0], value, origin)
        known = self._at(path)
        if "name" in settings and settings["name"] != known.get("name"):
            self._drop(path)
        self._merge(path, settings, origin)

    def _regularizer(self, name: str, settings: Any, origin: str) -> None:
        path = ("regularizer", name)
        if settings is False:
            self._drop(path)
            self._at(("regularizer",)).pop(name, None)
        else:
            self._merge(
                path, {} if settings is True else settings_table(".".join(path), settings, origin), origin
            )

    def _forget_phases(self, optimizer: Mapping[str, Any]) -> None:
        general = [key for key in optimizer if key in OptimizerConfig.model_fields]
        for phase in self._at(("optimizer",)).values():
            if isinstance(phase, dict):
                for key in general:
                    phase.pop(key, None)

    def _merge(self, path: tuple[str, ...], value: Any, origin: str) -> None:
        self.origins[".".join(path)] = origin
        if not isinstance(value, Mapping):
            self._at(path[:-1])[path[-1]] = value
            return
        if _stands_alone(path, value):
            self._at(path).clear()
        self._at(path)
        for key, inner in value.items():
            self._merge((*path, key), inner, origin)

    def _at(self, path: tuple[str, ...]) -> Table:
        """The table at a path, made where there is none yet."""
        table = self.values
        for key in path:
            if not isinstance(table.get(key), dict):
                table[key] = {}
            table = table[key]
        return table

    def _drop(self, path: tuple[str, ...]) -> None:
        self._at(path).clear()
        prefix = ".".join(path)
        for key in [key for key in self.origins if key == prefix or key.startswith(f"{prefix}.")]:
            del self.origins[key]


def _stands_alone(path: tuple[str, ...], value: Mapping[str, Any]) -> bool:
    """Whether a table replaces the one below instead of adding to it: a ramp, or a part within a part."""
    return {"start", "end"} <= value.keys() or (len(path) > 1 and path[0] in PARTS and "name" in value)


def settings_table(section: str, value: Any, origin: str) -> Mapping[str, Any]:
    """The settings of a part.

    Raises:  ConfigError for anything but a table, and for a name that is no text
    """
    label = ".NAME" if section == "regularizer" else ""
    if isinstance(value, Mapping) and not isinstance(value.get("name", ""), str):
        raise ConfigError(
            f"'{section}.name' cannot be {value['name']!r}: a name is text",
            where=f"{section}.name in {origin}",
            fix=f"`aezoo list {section.partition('.')[0]}` shows every name",
        )
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"'{section}' cannot be {value!r}: it is a table of settings",
            where=f"{section} in {origin}",
            fix=f"write [{section}{label}] with its settings below, or --set {section}{label}.KEY=...",
        )
    return value


def flat(table: Mapping[str, Any], prefix: str = "") -> Table:
    """A nested table with dotted keys.

    >>> flat({"train": {"steps": 3}})
    {'train.steps': 3}
    """
    found: Table = {}
    for key, value in table.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def over(table: Mapping[str, Any], base: Mapping[str, Any]) -> Table:
    """A table laid over another: within tables key by key, and anything else in its place."""
    both = {key for key in table if isinstance(table[key], Mapping) and isinstance(base.get(key), Mapping)}
    return {**base, **table, **{key: over(table[key], base[key]) for key in both}}


def read_toml(path: Path, where: str = "") -> Table:
    """A TOML file as a table.

    Raises:  ConfigError when it is missing or no TOML
    """
    try:
        return parse_toml(path.read_bytes(), str(path))
    except FileNotFoundError as err:
        raise ConfigError(f"there is no file {path}", where=where, fix="check the path") from err
    except OSError as err:
        inside = path / "config.toml"
        fix = f"name the file in it: {inside}" if inside.exists() else "name a TOML file"
        raise ConfigError(f"{path} cannot be read: {err.strerror}", where=where, fix=fix) from err


def parse_toml(content: bytes, name: str) -> Table:
    """The content of a TOML file as a table.

    name:  what to call the file

    Raises:  ConfigError when it is no TOML, or cannot be read as some
    """
    try:
        return tomllib.loads(content.decode("utf-8"))
    except RecursionError as err:
        raise ConfigError(f"{name} is nested too deeply", where=name, fix="write fewer brackets") from err
    except ValueError as err:  # no UTF-8, no TOML, a number of thousands of digits
        raise ConfigError(f"{name} is no TOML: {err}", where=name, fix="mend the line it names") from err


def parse_set(text: str) -> Table:
    """`a.b=value` as a nested table; the value is read as TOML, else as text.

    >>> parse_set("prior.hidden=[64, 64]")
    {'prior': {'hidden': [64, 64]}}

    Raises:  ConfigError when there is no `=`
    """
    key, sign, raw = text.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set {text!r} sets nothing", where="--set", fix="write --set section.key=value")
    table: Any = _toml_value(raw.strip())
    for name in reversed(key.strip().split(".")):
        table = {name: table}
    assert isinstance(table, dict)
    return table


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except (ValueError, RecursionError):
        return raw  # a bare word, such as normal
