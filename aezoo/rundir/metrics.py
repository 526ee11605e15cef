"""What metrics.jsonl holds: a line for each step that is logged."""

from __future__ import annotations

import re
from typing import Any

from aezoo.files import parse_json


def parse(content: bytes) -> tuple[list[dict[str, Any]], int]:
    """The whole lines, and how many others there are; behind the last newline one is still being written."""
    found = [line_of(line) for line in content.split(b"\n")[:-1]]
    whole = [line for line in found if line is not None]
    return whole, len(found) - len(whole)


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
    return line if known and not any(map(_is_huge, line.values())) else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_huge(value: Any) -> bool:
    """A whole number that no float can hold."""
    return isinstance(value, int) and abs(value) >= 1 << 63
