"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A one-file plugin to load, FILE.py; may be repeated.", show_default=False),
]


def names(text: str) -> list[str]:
    """The words of an option that takes several, with commas between them.

    >>> names("fd, prd,")
    ['fd', 'prd']
    """
    return [name.strip() for name in text.split(",") if name.strip()]
