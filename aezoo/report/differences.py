"""The settings in which runs differ."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aezoo.config.merge import flat

NOT_SAID = "–"


@dataclass(frozen=True)
class Values:
    """A key, and its value in each run as text."""

    key: str
    values: tuple[str, ...]

    @property
    def minor(self) -> bool:
        """Whether it is one of the many of an optimizer, and not which one or how fast it learns."""
        return self.key.startswith("optimizer.") and self.key.rpartition(".")[2] not in ("name", "lr")


def settings(tables: Sequence[Mapping[str, Any]]) -> list[Values]:
    """All settings of some runs: those of the first in its order, then those that only others have."""
    found = [{key: value for key, value in flat(one).items() if value is not None} for one in tables]
    keys = dict.fromkeys(key for one in found for key in one)
    return [Values(key, tuple(_text(one[key]) if key in one else NOT_SAID for one in found)) for key in keys]


def differences(tables: Sequence[Mapping[str, Any]]) -> list[Values]:
    """Those settings that are not the same in all runs."""
    return [setting for setting in settings(tables) if len(set(setting.values)) > 1]


def _text(value: Any) -> str:
    """A value as one would write it; of an absolute path only its last name."""
    if isinstance(value, str):
        return os.path.basename(value.rstrip("/")) or value if os.path.isabs(value) else value
    return json.dumps(value, ensure_ascii=False, default=str)
