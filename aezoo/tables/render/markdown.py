"""GitHub's Markdown: best **bold**, second underlined, footnotes as superscript numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aezoo.tables.entries import Table
from aezoo.tables.render.layout import Block, Head, Item, Line, blocks, legend, notes

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$#!])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKED = {"best": "**{}**", "second": "<ins>{}</ins>", "": "{}"}


def render(table: Table) -> str:
    """A heading, a sentence and a table for each dataset, then how to read it."""
    parts = [_block(block) for block in blocks(table)]
    lines = [f"- {escape(line)}" for line in legend(table, "bold", "underlined")]
    lines += [f"- {_notes((number,))} {escape(text)}" for number, text in enumerate(notes(table), start=1)]
    return "\n\n".join([*parts, *(["\n".join(lines)] if lines else [])]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    text = "".join(_HTML.get(character, character) for character in text)
    return _SPECIAL.sub(r"\\\1", text)


def _block(block: Block) -> str:
    title = f"### {escape(block.title)}\n\n{escape(block.caption)}\n\n"
    heads = ["method", *map(_head, block.heads)]
    rule = ["---", *("---:" for _ in block.heads)]
    return title + "\n".join(map(_row, [heads, rule, *map(_cells, block.lines)]))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(head: Head) -> str:
    """One row of heads is all there is: the group goes before the name."""
    name = " ".join(escape(part) for part in (head.group, head.title, head.arrow) if part)
    return name + _notes(head.notes)


def _cells(line: Line) -> list[str]:
    name = escape(line.label)
    return [(f"*{name}*" if line.reference else name) + _notes(line.notes), *map(_item, line.items)]


def _item(item: Item) -> str:
    return (_MARKED[item.mark].format(item.text) if item.text else "") + _notes(item.notes)


def _notes(numbers: Sequence[int]) -> str:
    return f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""
