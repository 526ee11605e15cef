"""Results as text: a block for x itself, one for each space, one for what the run says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aezoo.evaluation.names import LABELS
from aezoo.evaluation.sets import COLUMNS

Row = Mapping[str, Any]  # of results.json

ARROWS = {"lower": "↓", "higher": "↑", None: ""}
WIDTH = 108  # of a line; measures that find no room go into a further block


def text_table(results: Sequence[Row]) -> str:
    """All results; rows are what was measured, columns the measures with the direction that is better."""
    if not results:
        return "nothing was measured"
    blocks: dict[tuple[str, str], list[Row]] = {}
    for result in results:
        blocks.setdefault((result["extractor"], _kind(result["of"])), []).append(result)
    return "\n\n".join([_head(results[0]), *map(_block, blocks.values()), *_notes(results)])


def _kind(of: str) -> str:
    """What a block is about: rows of one kind stand together."""
    if of in LABELS:
        return "sets"
    return "nearest rows" if of in COLUMNS else "the model"


def _head(result: Row) -> str:
    return (
        f"{result['dataset']}, {result['split']} split: {result['n_real']} real rows, {result['n_fake']} of "
        f"each set; checkpoint {result['checkpoint']}; seed {result['seed']}"
    )


def _block(results: Sequence[Row]) -> str:
    measures = list(dict.fromkeys(result["metric"] for result in results))
    of = list(dict.fromkeys(result["of"] for result in results))
    cells = {(result["of"], result["metric"]): _number(result) for result in results}
    better = {result["metric"]: ARROWS[result["better"]] for result in results}
    heads = {name: f"{name.partition('[')[0]} {better[name]}".strip() for name in measures}
    left = max(len(_title(results[0])), *(len(_label(one)) + 2 for one in of))
    widths = {name: len(head) for name, head in heads.items()}
    for (_, name), text in cells.items():
        widths[name] = max(widths[name], len(text))
    lines = []
    for number, some in enumerate(_fitting(widths, WIDTH - left)):
        title = _title(results[0]) if number == 0 else ""
        lines.append(title.ljust(left) + "".join("  " + heads[name].rjust(widths[name]) for name in some))
        for one in of:
            row = "".join("  " + cells.get((one, name), "").rjust(widths[name]) for name in some)
            lines.append(f"  {_label(one)}".ljust(left) + row)
    return "\n".join(line.rstrip() for line in lines)


def _title(result: Row) -> str:
    kind = _kind(result["of"])
    if not result["extractor"]:
        return "x and x_hat" if kind == "sets" else f"{kind}, x itself" if kind == "nearest rows" else kind
    space = f"{result['extractor']} {result['weights_sha256'][:8]}".strip()
    return space if kind == "sets" else f"{kind}, {result['extractor']}"


def _label(of: str) -> str:
    return LABELS.get(of, of)


def _number(result: Row) -> str:
    if result["value"] is None:
        return "-"
    value = result["value"]
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _fitting(widths: Mapping[str, int], room: int) -> list[list[str]]:
    """The measures in groups that fit beside the labels."""
    groups: list[list[str]] = [[]]
    used = 0
    for name, width in widths.items():
        if groups[-1] and used + 2 + width > room:
            groups.append([])
            used = 0
        groups[-1].append(name)
        used += 2 + width
    return groups


def _notes(results: Sequence[Row]) -> list[str]:
    """Why a number is missing."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result["value"] is None:
            reasons.setdefault((result["why"], _label(result["of"])), []).append(result["metric"])
    lines = [f"- no {', '.join(which)} of {of}: {why}" for (why, of), which in reasons.items()]
    return ["\n".join(lines)] if lines else []
