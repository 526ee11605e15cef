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
    alike: dict[str, list[Cell]] = {}  # cells on the same data
    for cell in cells:
        alike.setdefault(cell.config.dataset.model_dump_json(), []).append(cell)
    faults: dict[str, AezooError] = {}
    for some in alike.values():
        if (fault := _fault(some[0], n)) is not None:
            faults |= {str(cell.path): fault for cell in some}
    return faults


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
