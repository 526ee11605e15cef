"""Settings from the command line, for the parts that have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aezoo.config.merge import parse_set
from aezoo.errors import AezooError, ConfigError, did_you_mean
from aezoo.registry.catalogue import KINDS, ComponentInfo
from aezoo.resolve import settings_class
from aezoo.testing.rule import CONFIGURED


def settings_of(components: Sequence[ComponentInfo], texts: Sequence[str]) -> list[dict[str, Any]]:
    """The settings of each part, out of "key=value" texts.

    `hidden=8` is for every part that has such a setting, `prior.hidden=8` for priors, as `aezoo train` says
    it, `regularizer.NAME.hidden=8` for one; `train.latent_dim=2` is the size of the codes around all.

    Raises:  ConfigError for a setting that no part has
    """
    found: list[dict[str, Any]] = [{} for _ in components]
    known = [_known(info) for info in components]
    for text in texts:
        said = [_own(info, names, parse_set(text)) for info, names in zip(components, known, strict=True)]
        if not any(said):
            names = sorted({name for one in known for name in one})
            key = text.partition("=")[0].rpartition(".")[2]
            raise ConfigError(
                f"no part of this plugin has the setting '{text.partition('=')[0]}'",
                where=f"--set {text}",
                fix=f"{did_you_mean(key, names)}the settings are {', '.join(names)}",
            )
        for own, one in zip(found, said, strict=True):
            _lay(own, one)
    return found


def _own(info: ComponentInfo, names: Sequence[str], said: dict[str, Any]) -> dict[str, Any]:
    """What a text says to one part: its settings, or the size of the codes."""
    ((first, value),) = said.items()
    if first in names:
        return said
    if first == "train" and isinstance(value, dict) and value.keys() == {"latent_dim"}:
        return value
    if isinstance(value, dict) and first in KINDS:
        if first not in (info.kind, "regularizer" if info.kind == "divergence" else info.kind):
            return {}
        inner = value.get(info.name) if info.name in value else value
        return inner if isinstance(inner, dict) and inner.keys() <= {*names} else {}
    return {}


def _known(info: ComponentInfo) -> list[str]:
    """The names of a part's settings; none of a part that cannot be imported, which a rule says."""
    if info.kind not in CONFIGURED:
        return []
    try:
        return [*settings_class(info.kind, info.name).model_fields]
    except AezooError:
        return []


def _lay(table: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _lay(table[key], value)
        else:
            table[key] = value
