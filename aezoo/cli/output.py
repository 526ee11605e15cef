"""What commands print: one JSON document, columns that `grep` and `cut` can use, or lines of text.

All of it comes here: names and texts from files, which may hold anything, are shown and steer no terminal.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any, TextIO

import typer

from aezoo.errors import shown

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def say(text: object, *, file: TextIO | None = None, end: str = "\n", flush: bool = False) -> None:
    """A text on standard output, or another stream; letters that its encoding has not are spelt out."""
    stream = file or sys.stdout
    encoding = stream.encoding or "utf-8"
    letters = shown(str(text)).encode(encoding, "backslashreplace").decode(encoding)
    print(letters, file=stream, end=end, flush=flush)


def print_json(document: Any) -> None:
    """The document on standard output, and nothing else."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    say(re.sub(r"[^\x20-\x7e\n]", _as_json, text))


def _as_json(found: re.Match[str]) -> str:
    """A letter that people can read stays; others as JSON spells them."""
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Rows of text, each column as wide as its widest cell."""
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
