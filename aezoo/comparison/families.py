"""Runs that a user trained one by one, as the methods that they are. Torch-free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from aezoo.tables.cell import Cell, content_id


def as_methods(runs: Sequence[Cell], taken: Collection[str]) -> list[Cell]:
    """Runs on one dataset that differ in nothing but their seed, under one name; others keep their own.

    The name is the recipe's, where that tells methods apart; else it is the directory's of the first run.

    taken:  names of methods that are not among the runs
    """
    alike: dict[tuple[str, str], list[Cell]] = {}
    for run in runs:
        alike.setdefault((run.dataset, _without_seed(run)), []).append(run)
    families = [one for one in alike.values() if len({run.seed for run in one}) == len(one) > 1]
    places = Counter(_place(family) for family in families)
    held = {*taken, *(run.method for run in runs)}
    names = {
        run.path: place[1] if places[place] == 1 and place[1] not in held else family[0].method
        for family in families
        for place in [_place(family)]
        for run in family
    }
    return [replace(run, method=names.get(run.path, run.method)) for run in runs]


def _place(family: Sequence[Cell]) -> tuple[str, str]:
    first = family[0]
    return first.dataset, first.config.recipe.name or first.method


def _without_seed(run: Cell) -> str:
    config = run.config
    return content_id(config.model_copy(update={"train": config.train.model_copy(update={"seed": 0})}))
