"""Results as text: a block for x itself, one for each space, one for what the run says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aezoo.evaluation.digits import decimals, number
from aezoo.evaluation.names import FLOOR, LABELS, RECONSTRUCTION, REFERENCES
from aezoo.evaluation.sets import COLUMNS
from aezoo.registry import registry

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
    places = {name: _decimals([one for one in results if one["metric"] == name]) for name in measures}
    cells = {(one["of"], one["metric"]): _number(one, places[one["metric"]]) for one in results}
    better = {result["metric"]: ARROWS[result["better"]] for result in results}
    heads = {name: f"{name.partition('[')[0]} {better[name]}".strip() for name in measures}
    left = max(len(_title(results[0])), *(len(_label(one)) + 2 for one in of))
    widths = {name: len(head) for name, head in heads.items()}
    for (_, name), text in cells.items():
        widths[name] = max(widths[name], len(text))
    lines = []
    for place, some in enumerate(_fitting(widths, WIDTH - left)):
        title = _title(results[0]) if place == 0 else ""
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


def _decimals(column: Sequence[Row]) -> int | None:
    """Of a measure's numbers: four digits of the smallest that is no reference; none of whole numbers."""
    values = {row["of"]: row["value"] for row in column if row["value"] is not None}
    if all(float(value).is_integer() for value in values.values()):
        return 0
    own, beside = ([v for of, v in values.items() if (of in REFERENCES) == other] for other in (False, True))
    return decimals(own, beside, digits=4)


def _number(result: Row, places: int | None) -> str:
    return "-" if result["value"] is None else number(result["value"], places)


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
    """Why a number is missing, which are not to be compared, and what some are not worth."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result["value"] is None:
            reasons.setdefault((result["why"], _label(result["of"])), []).append(result["metric"])
    lines = [f"- no {', '.join(which)} of {of}: {why}" for (why, of), which in reasons.items()]
    sets = {(result["of"], result["extractor"]) for result in results if result["extractor"]}
    if any({(FLOOR, space), (RECONSTRUCTION, space)} <= sets for _, space in sets):
        lines.append(
            f"- {_label(FLOOR)}: what generation may reach; reconstructions, of the test rows, may pass it"
        )
    spaces = dict.fromkeys(result["extractor"] for result in results if result["extractor"])
    lines += [f"- {space}: {caveat}" for space in spaces if (caveat := registry.caveat_of(space))]
    return ["\n".join(lines)] if lines else []
