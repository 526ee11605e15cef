"""What metrics.jsonl holds: a line for each step that is logged."""

from __future__ import annotations

import re
from typing import Any

from aezoo.files import parse_json


def line_of(text: bytes) -> dict[str, Any] | None:
    """What a line says; None for one that is no line of a training."""
    try:
        line = parse_json(text)
    except ValueError:
        return None
    if not isinstance(line, dict) or not _is_count(line.get("step")):
        return None
    stage = line.get("stage", "train")
    known = isinstance(stage, str) and re.fullmatch(r"train|fit\d{0,9}", stage)
    numbers = [value for key, value in line.items() if key != "stage"]
    return line if known and all(map(_is_number, numbers)) else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_number(value: Any) -> bool:
    """Whether a float can hold it."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 63)
