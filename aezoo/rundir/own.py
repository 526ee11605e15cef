"""Which names in a run directory are aezoo's own: what it may delete there, and what is somebody else's."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from aezoo.files import unfinished

CHECKPOINT = re.compile(r"(step|fit\d*)-\d{9,}")
_FOLDERS = re.compile(rf"checkpoints|checkpoints/\.?{CHECKPOINT.pattern}|samples|plugins|tensorboard")
_FILES = re.compile(
    r"config\.toml|metrics\.jsonl|model\.safetensors|results\.json|README\.md|report\.html|\.lock"
    r"|(curves|samples|reconstructions)\.png|samples/step-\d{9,}\.png|checkpoints/latest"
    rf"|checkpoints/\.?{CHECKPOINT.pattern}/(model\.safetensors|trainer\.safetensors|state\.json)"
    r"|tensorboard/events\.out\.tfevents\.[^/]+"
)


def foreign(path: Path, plugins: Collection[str] = ()) -> list[Path]:
    """What somebody else put into a run directory: other names, and links under any name.

    plugins:  one-file plugins that the run keeps, as its config.toml names them
    """
    return sorted(place for place, own in _walk(path, plugins) if not own)


def remove(path: Path, plugins: Collection[str] = ()) -> list[Path]:
    """Delete a run directory, but nothing that aezoo did not write; what is left."""
    own = [place for place, mine in _walk(path, plugins) if mine]
    for place in sorted(own, reverse=True):  # what is in a folder goes before the folder
        if place.is_dir():
            with suppress(OSError):  # something foreign is in it
                place.rmdir()
        else:
            place.unlink(missing_ok=True)
    left = foreign(path, plugins)
    if not left:
        path.rmdir()
    return left


def sweep(path: Path) -> None:
    """Delete what killed writes left under temporary names of aezoo's own."""
    for place, own in _walk(path, ()):
        name = place.name
        if not own or not name.startswith("."):
            continue
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        elif unfinished(name):
            place.unlink(missing_ok=True)


def _walk(path: Path, plugins: Collection[str]) -> Iterator[tuple[Path, bool]]:
    """Everything below a directory, and whether it is aezoo's own; no foreign folder is entered."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        if not (path / inside).is_dir():
            continue
        for entry in os.scandir(path / inside):
            name = f"{inside}{entry.name}"
            folder = entry.is_dir(follow_symlinks=False)
            own = not entry.is_symlink() and _is_own(name, folder, plugins)
            yield path / name, own
            if own and folder:
                waiting.append(f"{name}/")


def _is_own(name: str, folder: bool, plugins: Collection[str]) -> bool:
    if folder:
        return _FOLDERS.fullmatch(name) is not None
    inside, _, last = name.rpartition("/")
    whole = "/".join(filter(None, (inside, unfinished(last) or last)))
    kept = whole in plugins or (whole != name and inside == "plugins")
    return kept or _FILES.fullmatch(whole) is not None
