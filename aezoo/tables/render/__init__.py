"""A table in six forms: each module has one `render(table) -> str`."""

from __future__ import annotations

from collections.abc import Callable

from aezoo.tables.entries import Table
from aezoo.tables.render import csv, html, json, latex, markdown, text

RENDERERS: dict[str, Callable[[Table], str]] = {
    "table": text.render,
    "markdown": markdown.render,
    "latex": latex.render,
    "csv": csv.render,
    "json": json.render,
    "html": html.render,
}
"""By the names that `aezoo compare --format` takes."""
