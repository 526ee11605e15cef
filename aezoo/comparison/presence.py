"""Whether the data of a comparison are here: looked at once, and fetched once, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from aezoo.errors import AezooError
from aezoo.tables.cell import Cell


def absent(cells: Sequence[Cell], n: int | None) -> dict[str, AezooError]:
    """Why data cannot be had, by the run directory of every cell that needs them.

    Fetching belongs here too: two trainings at a time would write to the same files.

    n:  rows of each set that are asked for; none: as many as there are
    """
    faults: dict[str, AezooError | None] = {}
    for cell in cells:
        if _key(cell) not in faults:
            faults[_key(cell)] = _fault(cell, n)
    found = ((str(cell.path), faults[_key(cell)]) for cell in cells)
    return {path: fault for path, fault in found if fault is not None}


def _fault(cell: Cell, n: int | None) -> AezooError | None:
    from aezoo.data.loading import load_data
    from aezoo.evaluation.sets import check_rows

    try:
        check_rows(load_data(cell.config), n or 0)
    except AezooError as err:
        return err
    except Exception:  # of somebody's own dataset: the cell's process tells, with a traceback in its log
        return None
    return None


def _key(cell: Cell) -> str:
    return cell.config.dataset.model_dump_json()
