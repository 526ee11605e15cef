"""Files written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aezoo.errors import DiskError

REMEDY = {
    errno.ENOSPC: "make room on that disk, or choose another place",
    errno.EDQUOT: "make room within your quota, or choose another place",
    errno.EROFS: "choose a place that can be written to",
    errno.EACCES: "choose a place you may write to, or change its permissions",
    errno.EPERM: "choose a place you may write to, or change its permissions",
    errno.EIO: "mend the disk and try again",
    errno.ESTALE: "mend the network disk and try again",
}
"""Refusals of a disk that need not be anybody's bug, wherever they come up."""

_PLACE = {
    errno.ENOENT: "choose a place that exists",
    errno.ENOTDIR: "choose a place that is not below a file",
    errno.EEXIST: "choose a place where no file stands in the way",
    errno.EISDIR: "choose a place where no directory stands in the way",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_UNREADABLE = {
    errno.EACCES: "change its permissions",
    errno.EPERM: "change its permissions",
    errno.ENOENT: "put it back: it is gone",
    errno.EISDIR: "take away the directory that stands in its place",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the operating system refuses in here becomes a DiskError that names the path."""
    try:
        yield
    except OSError as err:
        raise disk_error(path, err) from err


def disk_error(path: Path | str, err: OSError, said: str = "written") -> DiskError:
    """A refusal of the operating system, with the path and a remedy."""
    return DiskError(
        f"{path} cannot be {said}: {err.strerror or err}",
        where=str(path),
        fix={**REMEDY, **_PLACE}.get(
            err.errno or 0, "what was written before is intact; mend the disk and try again"
        ),
    )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What the operating system refuses in here becomes a DiskError that names the path."""
    try:
        yield
    except OSError as err:
        raise DiskError(
            f"{path} cannot be read: {err.strerror or err}",
            where=str(path),
            fix=_UNREADABLE.get(err.errno or 0, "mend the disk and try again"),
        ) from err


def make_directory(path: Path) -> None:
    """A directory with all above it, there already or not."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary name beside it, flush to disk, rename over the old file.

    Raises:  DiskError; the old file is then as it was
    """
    with writing(path):
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    flush_directory(path.parent)


def unfinished(name: str) -> str:
    """The file that a temporary name of `write_bytes` was to become; empty for other names.

    >>> unfinished(".config.toml.0123abcd"), unfinished(".gitignore")
    ('config.toml', '')
    """
    found = re.fullmatch(r"\.(.+)\.[0-9a-z_]{8}", name)
    return found[1] if found else ""


def exchange(one: Path, other: Path) -> bool:
    """Two directories trade names in one step, so that neither name is ever without one; False where the
    system or the disk cannot do that."""
    import ctypes

    if os.name != "posix":
        return False
    system = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(system, "renameat2"):  # Linux; -100: from the working directory, 2: RENAME_EXCHANGE
        return bool(system.renameat2(-100, names[0], -100, names[1], 2) == 0)
    if hasattr(system, "renamex_np"):  # macOS; 2: RENAME_SWAP
        return bool(system.renamex_np(*names, 2) == 0)
    return False


def check_writable(directory: Path) -> None:
    """Raises:  DiskError where no file can be put into the directory: better known before work than after"""
    with writing(directory), tempfile.TemporaryFile(dir=directory):
        pass


def write_text(path: Path, text: str) -> None:
    """The same for text."""
    write_bytes(path, as_bytes(text))


def as_bytes(text: str) -> bytes:
    """Text as UTF-8; letters that UTF-8 has not, as in odd names of files, become `?`."""
    return text.encode("utf-8", "replace")


def flush_directory(path: Path) -> None:
    """Make renames in a directory survive a power cut; where directories cannot be opened, nothing."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def parse_json(content: bytes) -> Any:
    """JSON as Python has it.

    Raises:  ValueError for what is none, is nested too deeply, or has numbers of thousands of digits
    """
    try:
        return json.loads(content)
    except RecursionError as err:
        raise ValueError("it is nested too deeply") from err


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
