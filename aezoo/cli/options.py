"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A one-file plugin to load, FILE.py; may be repeated.", show_default=False),
]
DataRoot = Annotated[
    str, typer.Option("--data-root", help="The folder that holds downloaded datasets.", show_default=False)
]
Download = Annotated[bool, typer.Option("--download", help="Fetch datasets that are missing.")]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Execute code that a run directory names: its one-file plugins, module:Class."
    ),
]
Run = Annotated[Path, typer.Argument(help="A run directory.")]
Columns = Annotated[
    str, typer.Option(help="Measures to show, with commas; without it the main ones.", show_default=False)
]
AllowMixed = Annotated[
    bool, typer.Option("--allow-mixed", help="Let a column mix protocols, with a footnote.")
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="Processes at a time; without it one for each GPU or core.", show_default=False),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No bar.")]


def names(text: str) -> list[str]:
    """The words of an option that takes several, with commas between them.

    >>> names("fd, prd,")
    ['fd', 'prd']
    """
    return [name.strip() for name in text.split(",") if name.strip()]
