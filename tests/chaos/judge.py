"""What went wrong: where, and whether what is left is equal in bits to what an undisturbed command leaves."""

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from aezoo.files import unfinished
from aezoo.rundir.own import CHECKPOINT

ROOT = Path(__file__).parents[2]
TIMES = {"seconds", "fit_seconds", "images_per_s", "peak_memory_mb", "commit", "sha256"}  # differ each time
SPEAK_OF_TIMES = {"README.md", "report.html", "compare.html", "state.json", "config.toml"}

Remains = Mapping[str, str]
"""Relative path -> sha256 of what must not depend on disturbances; of some files only that they are there."""


@dataclass(frozen=True)
class Finding:
    """Something that must not happen.

    trial:  how to have it again: kind, seed, number
    kind:   `traceback`, `silent`, `hang`, `lost` or `unequal`
    what:   in words, or the lines of the program where it broke
    """

    trial: str
    kind: str
    what: str


def remains(folder: Path) -> Remains:
    """What lies in a folder, but for logs, caches, older checkpoints, and what is swept."""
    files = [
        path for path in sorted(folder.rglob("*")) if path.is_file() and not (swept(path) or older(path))
    ]
    names = {path: str(path.relative_to(folder)) for path in files}
    return {
        name: _digest(path) for path, name in names.items() if not name.startswith(("cache/", "runs/logs/"))
    }


def swept(file: Path) -> bool:
    """Whether it is a lock's file, or what a killed write or a refused deletion left under a hidden name."""
    half = file.parent.name.startswith(".") and CHECKPOINT.fullmatch(file.parent.name[1:])
    aside = any(one.startswith(".") and ".overwrite-" in one for one in file.parts)
    return (
        aside
        or bool(half)
        or bool(unfinished(file.name))
        or (file.name.startswith(".") and file.name.endswith(".lock"))
    )


def older(file: Path) -> bool:
    """Whether it is of a checkpoint that is not its stage's newest: one who is stopped writes another one."""
    name, stage = file.parent.name, file.parent.name.partition("-")[0]
    return CHECKPOINT.fullmatch(name) is not None and any(
        name < other.name for other in file.parent.parent.glob(f"{stage}-*")
    )


def _digest(file: Path) -> str:
    if file.name in SPEAK_OF_TIMES:
        return "there"
    content = file.read_bytes()
    if file.name == "results.json":
        content = json.dumps(_without_times(json.loads(content)), sort_keys=True).encode()
    return sha256(content).hexdigest()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(one) for key, one in value.items() if key not in TIMES}
    return [_without_times(one) for one in value] if isinstance(value, list) else value


def difference(found: Remains, wanted: Remains) -> str:
    """Which files are other ones, are missing, or too many; empty where none is."""
    words = {
        "differ": [name for name in wanted if name in found and found[name] != wanted[name]],
        "missing": [name for name in wanted if name not in found],
        "too many": [name for name in found if name not in wanted],
    }
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in words.items() if names)


def refused(code: int, said: str) -> bool:
    """Whether a command ended as one that says what the user can mend."""
    return 0 < code < 5 and "Traceback" not in said


def at_fault(err: BaseException) -> str:
    """The error and the last two lines of the program itself that it came through."""
    frames = [one for one in traceback.extract_tb(err.__traceback__) if _ours(one.filename)]
    places = [f"{Path(one.filename).relative_to(ROOT)}:{one.lineno}" for one in frames[-2:]]
    return f"{' > '.join(places)}: {type(err).__name__}: {str(err)[:200]}"


def _ours(file: str) -> bool:
    return any(Path(file).is_relative_to(ROOT / name) for name in ("aezoo", "plugins"))
