"""What runs say went wrong with them, for those who see a table of many. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence

from aezoo.tables.cell import Outcome


def warnings_in(outcome: Outcome) -> list[str]:
    """Those of its results.json."""
    return [str(text) for text in outcome.results.get("warnings") or ()]


def names_of(outcomes: Sequence[Outcome]) -> list[str]:
    """Each by its method, with the seed where there are several."""
    several = len({one.cell.seed for one in outcomes}) > 1
    return [f"{one.cell.method}, seed {one.cell.seed}" if several else one.cell.method for one in outcomes]


def summarise(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each kind of warning: how many runs of which methods, and what the first of them said."""
    found: dict[str, list[tuple[Outcome, str]]] = {}
    for one in outcomes:
        for text in warnings_in(one):
            found.setdefault(text.partition(":")[0], []).append((one, text))
    lines = []
    for said in found.values():
        runs = len({id(one) for one, _ in said})
        methods = ", ".join(dict.fromkeys(f"{one.cell.method} on {one.cell.dataset}" for one, _ in said))
        lines.append(f"{methods}: {said[0][1]}" + (f" (the first of {runs} runs)" if runs > 1 else ""))
    return lines
