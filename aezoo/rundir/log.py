"""metrics.jsonl: a line for each recorded step, and what checkpoints remember of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aezoo.errors import print_warning
from aezoo.files import parse_json, reading, write_text, writing

Line = dict[str, Any]


class Log:
    """The lines of one run's file.

    file:  it need not exist yet
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._written: tuple[int, hashlib._Hash] | None = None  # how many lines, and of what

    def append(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line) + "\n"
        count, digest = self._so_far()
        with writing(self.file), self.file.open("a", encoding="utf-8") as file:
            file.write(text)
        digest.update(text.encode())
        self._written = count + 1, digest

    def read(self) -> tuple[list[Line], int]:
        """All whole lines, and how many others there are but one that a kill cut short at the end."""
        found, damaged = self._lines()
        return [line for line, _ in found], damaged

    def rewind(self, stage: str, step: int, remembered: Mapping[str, Any]) -> None:
        """Drop the lines written after a checkpoint, so that a resumed run repeats none; say what is missing.

        remembered:  what the checkpoint says of the lines before it
        """
        moment = (stage_order(stage), step)
        found, damaged = self._lines()
        kept = [
            text for line, text in found if (stage_order(line.get("stage", "train")), line["step"]) <= moment
        ]
        content = "".join(kept)
        write_text(self.file, content)
        self._written = len(kept), hashlib.sha256(content.encode())
        lines, digest = self._written[0], self._written[1].hexdigest()
        missing = remembered.get("lines", lines) - lines
        if damaged:
            print_warning(f"{self.file} is damaged: lines left out: {damaged}")
        if missing > 0:
            print_warning(f"{self.file} lacks {missing} of {lines + missing} lines up to step {step}")
        elif remembered.get("sha256", digest) != digest:
            print_warning(f"{self.file} is not what training wrote up to step {step}")

    def remember(self) -> dict[str, Any]:
        """What a checkpoint says of the lines before it, which are on the disk from now on."""
        count, digest = self._so_far()
        if count:
            with writing(self.file), self.file.open("rb") as file:
                os.fsync(file.fileno())
        return {"lines": count, "sha256": digest.hexdigest()}

    def _so_far(self) -> tuple[int, hashlib._Hash]:
        if self._written is None:
            texts = [text for _, text in self._lines()[0]]
            self._written = len(texts), hashlib.sha256("".join(texts).encode())
        return self._written

    def _lines(self) -> tuple[list[tuple[Line, str]], int]:
        """Whole lines with their texts, and how many others there are."""
        with reading(self.file):
            if not self.file.is_file():
                return [], 0
            texts = self.file.read_bytes().split(b"\n")[:-1]  # behind the last newline one is being written
        found = [(line, text.decode() + "\n") for text in texts if (line := line_of(text)) is not None]
        return found, len(texts) - len(found)


def stage_order(stage: str) -> int:
    """`train` comes before `fit`, which comes before `fit2`."""
    return 0 if stage == "train" else int(stage.removeprefix("fit") or 1)


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
