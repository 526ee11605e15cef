"""`aezoo` in processes of its own, forked from one that has imported everything: a start takes no time."""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aezoo.cli.main import main
from aezoo.comparison import executors, work
from tests.chaos.disturb import Act, recorder, watch

PATIENCE = 300.0  # seconds
SAID = "said.txt"


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    code:  exit code; negative: of the signal
    said:  stdout and stderr
    """

    code: int
    said: str
    seconds: float


class Process:
    """A command that runs in a folder.

    act:   what happens at its file operations below the folder; none: it is not watched
    deep:  let the processes that a comparison starts be disturbed, and not itself
    """

    def __init__(
        self, words: Sequence[str], folder: Path, act: Act | None = None, *, deep: bool = False
    ) -> None:
        self._file = folder.with_name(f"{folder.name}-{time.monotonic_ns()}.{SAID}")
        self._begun = time.monotonic()

        def run() -> None:
            os.setpgid(0, 0)
            os.chdir(folder)
            os.environ["AEZOO_CACHE"] = str(folder / "cache")
            popen = _forked(folder, act if deep else None)
            executors.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": popen})  # type: ignore
            if act is not None and not deep:
                watch(folder, act)
            sys.argv = ["aezoo", *words]
            main()

        self.pid = _fork(run, self._file)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def end(self, patience: float = PATIENCE) -> Ended | None:
        """How it ended; None where it does not, and had to be killed."""
        status = _wait(self.pid, time.monotonic() + patience)
        if status is None:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            return None
        said = self._file.read_text(errors="replace")
        self._file.unlink()
        return Ended(os.waitstatus_to_exitcode(status), said, time.monotonic() - self._begun)


def recorded(words: Sequence[str], folder: Path) -> tuple[Ended, list[tuple[str, str]]]:
    """A command that nothing disturbs, and all its file operations."""
    file, found = folder.with_name("operations.json"), list[tuple[str, str]]()
    see = recorder(found)

    def act(kind: str, path: str) -> None:
        see(kind, path)
        notes.append(json.dumps([kind, path]) + "\n")

    notes = _Notes(file)
    ended = Process(words, folder, act).end()
    assert ended is not None
    operations = [tuple(json.loads(line)) for line in file.read_text().splitlines()]
    file.unlink()
    return ended, operations  # type: ignore[return-value]


class _Notes:
    """Lines written past what is watched."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._write = os.write

    def append(self, line: str) -> None:
        self._write(self._handle, line.encode())


def _fork(run: Callable[[], None], said: Path, stdin: int | None = None) -> int:
    """The process that does `run` and ends, as a program would that begins there."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for standard in (1, 2):
            os.dup2(handle, standard)
        if stdin is not None:
            os.dup2(stdin, 0)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0, closefd=False), _text(1), _text(2)
        run()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _text(handle: int) -> Any:
    return open(handle, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _wait(pid: int, until: float) -> int | None:
    """The status of a process; None when it has none in time."""
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    return None


def _forked(folder: Path, act: Act | None) -> type:
    """What stands in for `subprocess.Popen` where a comparison starts its workers."""

    class Forked:
        def __init__(self, command: Sequence[str], *, stdout: Any, env: Any, **rest: Any) -> None:
            assert list(command[1:3]) == ["-m", work.__name__] or work.__name__ in command, command
            theirs, ours = os.pipe()

            def run() -> None:
                os.close(ours)
                os.setsid()
                os.dup2(stdout.fileno(), 1)
                os.dup2(stdout.fileno(), 2)
                if act is not None:
                    watch(folder, act)
                sys.argv = ["work", command[-1]]
                work.main()

            self.pid = _fork(run, Path(os.devnull), theirs)
            os.close(theirs)
            self.stdin, self.returncode = os.fdopen(ours, "wb"), None

        def poll(self) -> int | None:
            if self.returncode is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if ended else None
            return self.returncode

        def wait(self, timeout: float) -> int:
            until = time.monotonic() + timeout
            while self.poll() is None:
                if time.monotonic() > until:
                    raise subprocess.TimeoutExpired("work", timeout)
                time.sleep(0.01)
            return self.returncode or 0

        def send_signal(self, number: int) -> None:
            if self.poll() is None:
                os.kill(self.pid, number)

        def kill(self) -> None:
            self.send_signal(signal.SIGKILL)

    return Forked
