r"""LaTeX with booktabs: a `table` for each dataset, best bold, second underlined.

It needs `\usepackage{booktabs}` in the preamble and nothing else, with any engine. All columns of a
dataset stand in one `tabular`: where that is too wide for the page, build the table of fewer columns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from aezoo.tables.entries import Table
from aezoo.tables.render.layout import Block, Head, Item, Line, blocks, legend, notes

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "±": r"$\pm$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "…": r"\ldots{}",
    **{character: f"\\{character}" for character in "#$%&_{}"},
    # After \\ an asterisk or a bracket would be an argument; two quotes in a row would be another one.
    **{character: f"{{{character}}}" for character in "[]*'`"},
}
_LETTERS = "ßæÆøØåÅœŒłŁ"
_ACCENTS = set("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c")
_MARKED = {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "": "{}"}


def render(table: Table) -> str:
    """All tables; the last is followed by how to read it."""
    parts = [_block(block) for block in blocks(table)]
    lines = [escape(line) for line in legend(table, "bold", "underlined")]
    lines += [f"{_notes((number,))} {escape(text)}" for number, text in enumerate(notes(table), start=1)]
    reading = ["\\begin{flushleft}\\footnotesize", "\\\\\n".join(lines), "\\end{flushleft}"] if lines else []
    return "\n".join(["% needs \\usepackage{booktabs}", *parts, *reading]) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX shows as it is; letters that no usual font has, by their number."""
    written = "".join(_SPECIAL.get(character) or _letter(character) for character in text)
    return re.sub("-(?=-)", "-{}", written)  # two hyphens would be a dash


def _letter(character: str) -> str:
    return character if character.isascii() or _is_plain(character) else f"{{[}}U+{ord(character):04X}{{]}}"


def _is_plain(character: str) -> bool:
    """Whether it is a Latin letter, with an accent that every font encoding has."""
    base, *accents = list(unicodedata.normalize("NFD", character))
    return character in _LETTERS or (base.isascii() and ord(character) < 0x180 and set(accents) <= _ACCENTS)


def _block(block: Block) -> str:
    spec = "l" + "r" * len(block.heads)
    return "\n".join(
        [
            "\\begin{table}",
            "\\centering\\small",
            f"\\caption{{{escape(block.title)}: {escape(block.caption)}}}",
            f"\\begin{{tabular}}{{{spec}}}",
            "\\toprule",
            *_heads(block),
            "\\midrule",
            *_body(block.lines),
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
        ]
    )


def _heads(block: Block) -> list[str]:
    titles = _row(["", *map(_head, block.heads)])
    if not any(name for name, _ in block.groups):
        return [titles]
    spans = [f"\\multicolumn{{{width}}}{{c}}{{{escape(name)}}}" for name, width in block.groups]
    return [_row(["", *spans]), *_rules(block), titles]


def _rules(block: Block) -> list[str]:
    """A line under each group that has a name."""
    rules, first = [], 2
    for name, width in block.groups:
        if name:
            rules.append(f"\\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    return rules


def _head(head: Head) -> str:
    return escape(f"{head.title} {head.arrow}".rstrip()) + _notes(head.notes)


def _body(lines: Sequence[Line]) -> list[str]:
    """References first, apart from the methods by a line."""
    references = [_row(_cells(line)) for line in lines if line.reference]
    methods = [_row(_cells(line)) for line in lines if not line.reference]
    return [*references, *(["\\midrule"] if references and methods else []), *methods]


def _cells(line: Line) -> list[str]:
    name = escape(line.label)
    return [(f"\\textit{{{name}}}" if line.reference else name) + _notes(line.notes), *map(_item, line.items)]


def _item(item: Item) -> str:
    text = escape(item.text)
    if item.value is not None:
        text = text.replace("-", "$-$")
    return (_MARKED[item.mark].format(text) if text else "") + _notes(item.notes)


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _notes(numbers: Sequence[int]) -> str:
    return f"\\textsuperscript{{{','.join(map(str, numbers))}}}" if numbers else ""
