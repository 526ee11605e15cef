"""Whether the data of a comparison are here: looked at once, and fetched once, before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aezoo.comparison.cell import Cell
from aezoo.errors import AezooError


def absent(cells: Sequence[Cell]) -> dict[str, AezooError]:
    """Why data cannot be loaded, by the run directory of every cell that needs them.

    Fetching belongs here too: two trainings at a time would write to the same files.
    """
    from aezoo.runner import load_data

    faults: dict[str, AezooError | None] = {}
    for cell in cells:
        if _key(cell) not in faults:
            try:
                load_data(cell.config)
                faults[_key(cell)] = None
            except AezooError as err:
                faults[_key(cell)] = err
    found = ((str(cell.path), faults[_key(cell)]) for cell in cells)
    return {path: fault for path, fault in found if fault is not None}


def _key(cell: Cell) -> str:
    return json.dumps(cell.config.dataset, sort_keys=True, default=str)
