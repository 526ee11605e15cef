"""Numbers to places in a drawing, and the ticks of its axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEEP = 100.0  # positive values that span more than this factor are drawn on a logarithmic axis
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` at places from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (self._inner(one) for one in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 4) -> list[tuple[float, str]]:
        """About so many round values within, as places and texts."""
        values = _decades(self.low, self.high) if self.log else _round(self.low, self.high, count)
        return [(self(value), short(value)) for value in values]

    def _inner(self, value: float) -> float:
        return math.log10(value) if self.log else value


def fit(values: Sequence[float], start: float, end: float) -> Scale:
    """A scale on which all the values are seen: logarithmic where they are positive and span decades."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= STEEP:
        return Scale(low, high, start, end, log=True)
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return Scale(low - room, high + room, start, end)
    return Scale(low, high, start, end)


def short(value: float) -> str:
    """A number of a tick or a caption.

    >>> [short(value) for value in (0.0, 12500.0, 0.25, 3e-7, -4.0)]
    ['0', '12,500', '0.25', '3e-07', '−4']
    """
    size = abs(value)
    if value and not 1e-3 <= size < 1e6:
        text = f"{value:.3g}"
    elif size >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.4g}"
    return text.replace("-", "−") if text.startswith("-") else text


def _round(low: float, high: float, count: int) -> list[float]:
    """Multiples of a round step within [low, high]."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in STEPS if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten within [low, high], five at most."""
    powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    return [10.0**power for power in powers[:: -(-len(powers) // 5)]]
