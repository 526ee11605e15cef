"""One writer at a time: the lock that everything holds that writes into a run directory."""

from __future__ import annotations

import errno
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from aezoo.errors import RunFileError, print_warning
from aezoo.files import writing
from aezoo.rundir import own, replace

LOCK = ".lock"  # its name in a directory beside which nothing may be put
PATIENCE = 0.2  # seconds: another's lock may be about to go, with its file
FOREVER = -1.0
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextmanager
def hold(path: Path, *, wait: float = PATIENCE) -> Iterator[None]:
    """Alone with a run directory, which need not exist yet. A thread that holds it may hold it again.

    The lock is a hidden file beside the directory, which is deleted in the end; the system lets go of it when
    its process dies, however. Reading needs none. What a killed writer left is put right first: an
    interrupted --overwrite, files under temporary names.

    wait:  seconds for another to let go; FOREVER: until it does

    Raises:  RunFileError that says who else holds it
    """
    path = path.resolve()
    file = _place(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, is_singleton=True, on_acquired=_sign, fallback_to_soft=False)
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            raise _refusal(path, file) from None
        except OSError as err:
            if err.errno not in _NO_LOCKS:
                raise
            print_warning(f"the disk of {path} knows no locks: do not write to it twice at a time")
    try:
        if lock.lock_counter <= 1:
            with writing(path):
                replace.recover(path)
                own.sweep(path)
        yield
    finally:
        if lock.lock_counter == 1:
            with suppress(OSError):  # Windows deletes it itself; a file that stays is the next one's lock
                file.unlink(missing_ok=True)  # whoever has opened it by now finds it gone, and opens anew
        lock.release()


def _place(path: Path) -> Path:
    """Beside the directory, for --overwrite moves that; in it where nothing may be put beside it."""
    beside = os.access(path.parent, os.W_OK) or not path.is_dir()
    return path.with_name(f".{path.name}.lock") if beside else path / LOCK


def _sign(handle: int) -> None:
    """Say in the lock's file who holds it."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    text = json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since})
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, text.encode())


def _refusal(path: Path, file: Path) -> RunFileError:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        who = f"process {found['pid']} on {found['host']}, since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # being written, or let go of right now
        who = "another process"
    return RunFileError(
        f"{path} is in use: {who}, writes to it",
        where=str(path),
        fix="wait until it is done or stop it, then try again; or choose another --out",
    )
