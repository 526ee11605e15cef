"""A fragment of HTML for the page that embeds it: a table for each dataset, then how to read it.

Classes, no styles: `comparison`, `comparison-scroll` (it may have to scroll), `number`, `best`, `second`,
`reference`, `failed`, `comparison-legend`, `comparison-notes`. A cell with a number says it in full as
`data-value`, for sorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from aezoo.tables.entries import Table
from aezoo.tables.render.layout import Block, Head, Item, Line, blocks, legend, notes

_MARKED = {"best": "<strong>{}</strong>", "second": "<u>{}</u>", "": "{}"}


def render(table: Table) -> str:
    """The fragment, one `section`."""
    lines = ['<section class="comparison" aria-label="comparison">']
    for block in blocks(table):
        lines += _block(block)
    lines += _list("ul", "comparison-legend", legend(table, "bold", "underlined"))
    lines += _list("ol", "comparison-notes", notes(table))
    return "\n".join([*lines, "</section>"]) + "\n"


def _list(tag: str, name: str, texts: Sequence[str]) -> list[str]:
    items = [f"<li>{escape(text)}</li>" for text in texts]
    return [f'<{tag} class="{name}">', *items, f"</{tag}>"] if items else []


def _block(block: Block) -> list[str]:
    title = escape(block.title)
    return [
        f'<div class="comparison-scroll" role="region" aria-label="{title}" tabindex="0">',
        "<table>",
        f"<caption><strong>{title}</strong>: {escape(block.caption)}</caption>",
        "<thead>",
        *_heads(block),
        "</thead>",
        *_body("reference", [line for line in block.lines if line.reference]),
        *_body("method", [line for line in block.lines if not line.reference]),
        "</table>",
        "</div>",
    ]


def _heads(block: Block) -> list[str]:
    """The row of groups, if there are any, and the row of names, which alone heads every column."""
    groups = [_group(name, width) for name, width in block.groups]
    named = any(name for name, _ in block.groups)
    above = ["<tr><td></td>" + "".join(groups) + "</tr>"] if named else []
    return [*above, '<tr><th scope="col">method</th>' + "".join(map(_head, block.heads)) + "</tr>"]


def _group(name: str, width: int) -> str:
    span = f' colspan="{width}"'
    return f'<th scope="colgroup"{span}>{escape(name)}</th>' if name else f"<td{span}></td>"


def _head(head: Head) -> str:
    arrow = f' <abbr title="{head.better} is better">{head.arrow}</abbr>' if head.arrow else ""
    return f'<th scope="col" class="number">{escape(head.title)}{arrow}{_notes(head.notes)}</th>'


def _body(name: str, lines: Sequence[Line]) -> list[str]:
    return [f'<tbody class="{name}">', *map(_row, lines), "</tbody>"] if lines else []


def _row(line: Line) -> str:
    label = f'<th scope="row">{escape(line.label)}{_notes(line.notes)}</th>'
    return f"<tr>{label}{''.join(map(_item, line.items))}</tr>"


def _item(item: Item) -> str:
    classes = " ".join(filter(None, ["number", item.mark, "failed" if item.text == "failed" else ""]))
    value = f' data-value="{item.value!r}"' if item.value is not None else ""
    text = _MARKED[item.mark].format(escape(item.text)) if item.text else ""
    return f'<td class="{classes}"{value}>{text}{_notes(item.notes)}</td>'


def _notes(numbers: Sequence[int]) -> str:
    return f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""
