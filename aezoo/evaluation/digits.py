"""How many digits the numbers of a column are shown with: all of a column alike. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST = 6  # decimals; a column that needs more, or numbers longer than seven digits, is scientific
FURTHER = 2  # decimals more, so that a small number beside the others is not rounded away


def decimals(values: Sequence[float], beside: Sequence[float] = (), digits: int = 3) -> int | None:
    """Decimals for all numbers of a column; None: scientific notation for all of them.

    values:  those that the column is about: the smallest keeps so many digits; none: those beside are
    beside:  others, such as references: they keep two digits where that takes no more than two decimals more

    >>> decimals([120.5, 250.0]), decimals([120.5], beside=[0.726]), decimals([1e-9])
    (0, 2, None)
    """
    sizes, others = ([abs(value) for value in some if value] for some in (values, beside))
    if not sizes:
        return decimals(others, digits=digits) if others else 2
    needed = max(0, digits - 1 - _place(min(sizes)))
    if needed > MOST or max([*sizes, *others]) >= 1e7:
        return None
    wanted = max((1 - _place(value) for value in others), default=0)
    return max(needed, min(wanted, needed + FURTHER, MOST))


def number(value: float, places: int | None) -> str:
    """A number with so many decimals, in scientific notation for None; what rounds to 0 has no sign.

    >>> number(1234.5, 1), number(-1e-9, 2), number(0.5, None)
    ('1,234.5', '0.00', '5.00e-01')
    """
    return f"{value:.2e}" if places is None else f"{round(value, places) + 0.0:,.{places}f}"


def _place(value: float) -> int:
    """Of the first digit: 0 for 1 to 9, -1 for a tenth."""
    return math.floor(math.log10(value))
