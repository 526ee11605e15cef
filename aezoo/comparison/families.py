"""Runs that a user trained one by one, as the methods that they are. Torch-free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from aezoo.tables.cell import Cell, content_id


def name_families(runs: Sequence[Cell], taken: Collection[str]) -> dict[Path, str]:
    """One name, by their directories, for runs on one dataset that differ in nothing but their seed.

    The name is the recipe's, where that tells methods apart; else it is the directory's of the first run.

    taken:  names of methods that are not among the runs
    """
    alike: dict[tuple[str, str], list[Cell]] = {}
    for run in runs:
        alike.setdefault((run.dataset, _without_seed(run)), []).append(run)
    families = [one for one in alike.values() if len({run.seed for run in one}) == len(one) > 1]
    places = Counter(_place(family) for family in families)
    held = {*taken, *(run.method for run in runs)}
    return {
        run.path: place[1] if places[place] == 1 and place[1] not in held else family[0].method
        for family in families
        for place in [_place(family)]
        for run in family
    }


def _place(family: Sequence[Cell]) -> tuple[str, str]:
    first = family[0]
    return first.dataset, first.config.recipe.name or first.method


def _without_seed(run: Cell) -> str:
    config = run.config
    return content_id(config.model_copy(update={"train": config.train.model_copy(update={"seed": 0})}))
