"""For the terminal: plain text that survives copy and paste, at most 110 characters wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from aezoo.tables.entries import Mark, Table
from aezoo.tables.render.layout import Block, Head, Item, blocks, legend, notes

WIDTH = 110  # of a line; columns that find no room go into a further block
LABEL = 36  # characters of a row's name; longer ones are cut
LONGEST = 40  # characters of a column's name
GAP = 2  # blanks between columns
MARKS = {"best": "*", "second": "+", "": ""}


def render(table: Table) -> str:
    """A block for each dataset; `*` is best, `+` second, `[1]` a footnote."""
    parts = ["\n\n".join(_block(block) for block in blocks(table))]
    parts.append("\n".join(_wrap(line) for line in legend(table, "*", "+")))
    parts.append("\n".join(_wrap(text, f"[{i}] ") for i, text in enumerate(notes(table), start=1)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    names = [_cut(line.label, LABEL) + _suffix("", line.notes) for line in block.lines]
    kept = [not line.reference for line in block.lines]
    left = max(map(len, names), default=0)
    strips = [_strip(head, [line.items[at] for line in block.lines]) for at, head in enumerate(block.heads)]
    parts = [_lines(names, kept, left, some) for some in _fitting(strips, WIDTH - left)]
    return "\n\n".join(["\n".join([_wrap(f"{block.title}: {block.caption}"), *parts[:1]]), *parts[1:]])


@dataclass(frozen=True)
class _Strip:
    """A column as text: its cells are equally wide."""

    group: str
    title: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        return max(len(self.title), *map(len, self.cells), 1)


def _strip(head: Head, items: Sequence[Item]) -> _Strip:
    suffixes = [_suffix(item.mark, item.notes) for item in items]
    after = max(map(len, suffixes), default=0)
    numbers = max((len(item.text) for item in items), default=0)
    cells = [
        item.text.rjust(numbers) + suffix.ljust(after) for item, suffix in zip(items, suffixes, strict=True)
    ]
    title = f"{_cut(head.title, LONGEST)} {head.arrow}".rstrip() + _suffix("", head.notes)
    return _Strip(_cut(head.group, LONGEST), title, tuple(cells))


def _suffix(mark: Mark, notes: Sequence[int]) -> str:
    numbers = f"[{','.join(map(str, notes))}]" if notes else ""
    return "".join(f" {part}" for part in (MARKS[mark], numbers) if part)


def _fitting(strips: Sequence[_Strip], room: int) -> list[list[_Strip]]:
    """The columns in parts that fit beside the labels; one part without columns if there are none."""
    parts: list[list[_Strip]] = [[]]
    for strip in strips:
        if parts[-1] and sum(_widths([*parts[-1], strip])) > room:
            parts.append([])
        parts[-1].append(strip)
    return parts


def _widths(strips: Sequence[_Strip]) -> list[int]:
    """Of each column with the gap before it; the last of a group is widened where its name needs more."""
    widths = [GAP + strip.width for strip in strips]
    for name, first, last in _groups(strips):
        widths[last - 1] += max(0, GAP + len(name) - sum(widths[first:last]))
    return widths


def _groups(strips: Sequence[_Strip]) -> list[tuple[str, int, int]]:
    """Name, first column and the one after the last of each group."""
    found = []
    for name, members in groupby(range(len(strips)), key=lambda at: strips[at].group):
        places = list(members)
        found.append((name, places[0], places[-1] + 1))
    return found


def _lines(names: Sequence[str], kept: Sequence[bool], left: int, strips: Sequence[_Strip]) -> str:
    """A part of a block; rows that need not be kept are left out where they say nothing."""
    widths = _widths(strips)
    groups = "".join(name.rjust(sum(widths[first:last])) for name, first, last in _groups(strips))
    titles = "".join(strip.title.rjust(width) for strip, width in zip(strips, widths, strict=True))
    lines = [" " * left + line for line in (groups, titles) if line.strip()]
    for at, name in enumerate(names):
        cells = "".join(strip.cells[at].rjust(width) for strip, width in zip(strips, widths, strict=True))
        if kept[at] or cells.strip():
            lines.append(name.ljust(left) + cells)
    return "\n".join(line.rstrip() for line in lines)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _wrap(text: str, mark: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False
    )
