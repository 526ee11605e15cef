"""Files written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aezoo.errors import DiskError

REMEDY = {
    errno.ENOSPC: "make room on that disk, or choose another place",
    errno.EDQUOT: "make room within your quota, or choose another place",
    errno.EROFS: "choose a place that can be written to",
    errno.EACCES: "choose a place you may write to, or change its permissions",
    errno.EPERM: "choose a place you may write to, or change its permissions",
}
"""Refusals of a disk that need not be anybody's bug, wherever they come up."""

_PLACE = {
    errno.ENOENT: "choose a place that exists",
    errno.ENOTDIR: "choose a place that is not below a file",
    errno.EEXIST: "choose a place where no file stands in the way",
    errno.EISDIR: "choose a place where no directory stands in the way",
    errno.ENAMETOOLONG: "choose a shorter name",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the operating system refuses in here becomes a DiskError that names the path."""
    try:
        yield
    except OSError as err:
        raise disk_error(path, err) from err


def disk_error(path: Path | str, err: OSError) -> DiskError:
    """A refusal of the operating system, with the path and a remedy."""
    return DiskError(
        f"{path} cannot be written: {err.strerror or err}",
        where=str(path),
        fix={**REMEDY, **_PLACE}.get(
            err.errno or 0, "what was written before is intact; mend the disk and try again"
        ),
    )


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
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    flush_directory(path.parent)


def check_writable(directory: Path) -> None:
    """Raises:  DiskError where no file can be put into the directory: better known before work than after"""
    with writing(directory), tempfile.TemporaryFile(dir=directory):
        pass


def write_text(path: Path, text: str) -> None:
    """The same for UTF-8 text."""
    write_bytes(path, text.encode("utf-8"))


def flush_directory(path: Path) -> None:
    """Make renames in a directory survive a power cut; where directories cannot be opened, nothing."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
