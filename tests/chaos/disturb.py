"""What may happen to a program at any of its file operations: it is killed, or the disk refuses.

Every operation below a folder is counted: what Python announces by its audit events (opening, renaming,
making, listing, deleting), and each single read, write and fsync. The program under test has no part in it.
"""

import builtins
import io
import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Act = Callable[[str, str], None]
"""Called before each operation with its kind and path; whatever it raises, the operation raises."""
EVENTS = {
    "open": "open",
    "os.rename": "rename",
    "os.mkdir": "mkdir",
    "os.rmdir": "delete",
    "os.remove": "delete",
    "os.scandir": "list",
    "os.listdir": "list",
    "os.chmod": "chmod",
    "os.truncate": "write",
}


def watch(folder: Path, act: Act) -> None:
    """Let `act` see every operation below a folder, for the rest of this process."""
    root, paths = os.path.realpath(folder) + os.sep, dict[int, str]()

    def tell(kind: str, path: Any) -> None:
        path = paths.get(path) if isinstance(path, int) else os.path.abspath(os.fsdecode(path))
        if path is not None and path.startswith(root):
            act(kind, path[len(root) :])

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        kind = EVENTS.get(event)
        if kind == "open":
            path, _, flags = arguments
            writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else False
            kind = "create" if writing else "open"
            if isinstance(path, int):  # opened before
                return
        if kind and isinstance(arguments[0], str | bytes | os.PathLike):
            tell(kind, arguments[0])

    sys.addaudithook(hear)
    _patch_descriptors(tell, paths)
    _patch_files(tell, paths, root)


def _patch_descriptors(tell: Callable[[str, Any], None], paths: dict[int, str]) -> None:
    real_open, real_write = os.open, os.write

    def opened(path: Any, *arguments: Any, **options: Any) -> int:
        handle = real_open(path, *arguments, **options)
        paths[handle] = os.path.abspath(os.fsdecode(path))
        return handle

    def fsync(handle: int) -> None:  # nobody cuts the power here: that it is asked for is enough
        tell("fsync", handle)

    def write(handle: int, data: bytes) -> int:
        tell("write", handle)
        return real_write(handle, data)

    os.open, os.fsync, os.write = opened, fsync, write


def _patch_files(tell: Callable[[str, Any], None], paths: dict[int, str], root: str) -> None:
    real = io.open

    class File(io.FileIO):
        """A file that tells of each read and write; a write is two, of a half each."""

        def write(self, data: Any) -> int:
            content = bytes(data)
            tell("write", self.name)
            written = super().write(content[: len(content) // 2])
            tell("write", self.name)
            return written + super().write(content[len(content) // 2 :])

        def readinto(self, buffer: Any) -> int:
            tell("read", self.name)
            return super().readinto(buffer)

        def readall(self) -> bytes:
            tell("read", self.name)
            return super().readall()

        def read(self, size: int = -1) -> bytes:
            tell("read", self.name)
            return super().read(size)

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        path = paths.get(file) if isinstance(file, int) else os.path.abspath(os.fsdecode(file))
        if path is None or not path.startswith(root):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = File(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
        return kind(raw) if "b" in mode else io.TextIOWrapper(kind(raw), encoding, errors, newline)

    io.open = builtins.open = opened


# -- acts ----------------------------------------------------------------------------------------------


def recorder(found: list[tuple[str, str]]) -> Act:
    """Only writes down what happens."""
    return lambda kind, path: found.append((kind, path))


def killer(number: int) -> Act:
    """SIGKILL before the n-th operation."""
    count = itertools.count(1)

    def act(kind: str, path: str) -> None:
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def refuser(number: int, error: int, *, lasting: bool) -> Act:
    """The n-th operation is refused with that errno; lasting: all further ones of its kind too."""
    count, kinds = itertools.count(1), set[str]()

    def act(kind: str, path: str) -> None:
        if next(count) == number or (lasting and kind in kinds):
            kinds.add(kind)
            raise OSError(error, os.strerror(error), path)

    return act
