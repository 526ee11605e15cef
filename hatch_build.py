"""What a build finds by itself: each package in plugins/ is an entry point, with no line in pyproject.toml.

An editable installation sees a new one when `pip install -e .` is run again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class EntryPoints(MetadataHookInterface):
    """Entry points of group `aezoo`: aezoo's own plugins come through the same door as anybody's."""

    def update(self, metadata: dict[str, Any]) -> None:
        packages = sorted(file.parent.name for file in Path(self.root, "plugins").glob("*/__init__.py"))
        metadata["entry-points"] = {"aezoo": {name: name for name in packages}}
