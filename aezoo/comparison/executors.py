"""Where cells are worked off: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from aezoo.comparison.work import Task, is_measured, options_of, task_of, work
from aezoo.errors import AezooError, MissingError
from aezoo.files import make_directory, reading, write_text

TAIL = 5  # lines of a log that a failure quotes
PATIENCE = 60.0  # seconds that a stopped process is given to write its checkpoint


@dataclass(frozen=True)
class Done:
    """A cell that was worked off.

    failure:  why it is not done: exit code and the last lines of its log
    """

    task: Task
    failure: str = ""


@dataclass(frozen=True)
class _Running:
    """A cell's process; `begun` is the length of its log before it, for earlier attempts are no news."""

    task: Task
    process: subprocess.Popen[bytes]
    begun: int


class Executor(Protocol):
    """Works off tasks, in any order."""

    def run(self, tasks: Sequence[Task]) -> Generator[Done | None]:
        """Each task as it is done; None again and again while nothing is, so that a bar can move."""


@final
class Local:
    """One process for each cell: a log of its own, and a crash that nobody else notices.

    jobs:  processes at a time
    gpus:  numbers of CUDA devices, dealt out in turn; empty: none
    """

    def __init__(self, jobs: int, logs: Path, gpus: Sequence[str] = ()) -> None:
        self._jobs, self._logs, self._gpus = jobs, logs, list(gpus)

    def run(self, tasks: Sequence[Task]) -> Generator[Done | None]:
        """As the protocol says. Leaving early, as by Ctrl-C, stops the processes; they write checkpoints."""
        waiting, running = list(tasks), dict[int, _Running]()
        try:
            while waiting or running:
                for place in range(self._jobs):
                    if place not in running and waiting:
                        running[place] = self._start(waiting.pop(0), place)
                time.sleep(0.2)
                for place, one in list(running.items()):
                    if one.process.poll() is not None:
                        del running[place]
                        _close(one.process)
                        yield Done(one.task, self._failure(one))
                yield None
        finally:
            _stop(one.process for one in running.values())

    def _start(self, task: Task, place: int) -> _Running:
        make_directory(self._logs)
        file = self._logs / f"{Path(task.path).name}.task.json"
        write_text(file, task.as_json())
        environment = {**os.environ, "OMP_NUM_THREADS": str(task.threads)}
        if self._gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpus[place % len(self._gpus)]
        with self._log(task).open("ab") as log:
            begun = log.tell()
            process = subprocess.Popen(
                # -P: a user's copy.py in the working directory is not Python's
                [sys.executable, "-P", "-m", "aezoo.comparison.work", str(file)],
                stdin=subprocess.PIPE,  # closes when we are gone, however: then it stops too
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop them one by one
            )
            return _Running(task, process, begun)

    def _failure(self, one: _Running) -> str:
        task, code = one.task, one.process.returncode
        if code == 0 and is_measured(Path(task.path), options_of(task)):
            return ""
        with reading(self._log(task)):
            said = self._log(task).read_bytes()[one.begun :].decode("utf-8", errors="replace")
        lines = said.strip().splitlines()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return "\n".join([f"{how}; the log {self._log(task)} ends:", *lines[-TAIL:]])

    def _log(self, task: Task) -> Path:
        return self._logs / f"{Path(task.path).name}.log"


def _close(process: subprocess.Popen[bytes]) -> None:
    """Our end of its pipe."""
    if process.stdin is not None:
        process.stdin.close()


def _stop(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.send_signal(signal.SIGINT)
    for process in alive:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
        _close(process)


@final
class Ray:
    """Tasks on a Ray cluster whose machines see the same disk; a lost worker's task begins again elsewhere.

    address:  of the cluster; empty: $RAY_ADDRESS, or a cluster of this machine's own
    cpus:     for each cell, also its threads
    gpus:     for each cell; may be a fraction
    """

    def __init__(self, *, address: str = "", cpus: int = 1, gpus: float = 0.0, retries: int = 3) -> None:
        self._address, self._cpus, self._gpus, self._retries = address, cpus, gpus, retries

    def run(self, tasks: Sequence[Task]) -> Generator[Done | None]:
        """As the protocol says.

        Raises:  MissingError where Ray is not installed
        """
        ray = _ray()
        begun = not ray.is_initialized()
        if begun:
            ray.init(address=self._address or None, log_to_driver=False, include_dashboard=False)
        remote = ray.remote(num_cpus=self._cpus, num_gpus=self._gpus, max_retries=self._retries)(_in_worker)
        waiting = {remote.remote(task.as_json()): task for task in tasks}
        try:
            while waiting:
                ready, _ = ray.wait(list(waiting), timeout=0.2)
                for one in ready:
                    yield Done(waiting.pop(one), _answer(ray, one))
                yield None
        finally:
            for one in waiting:
                ray.cancel(one, force=True)
            if begun:
                ray.shutdown()


def _answer(ray: Any, one: Any) -> str:
    try:
        return str(ray.get(one))
    except Exception as err:  # whatever a worker died of is this cell's failure, and nobody else's
        return f"{type(err).__name__}: {err}".strip()


def _in_worker(text: str) -> str:
    """The work of one cell inside a Ray worker; the failure, or nothing.

    A retried task finds the checkpoints of the worker that was lost, and goes on there.
    """
    try:
        work(task_of(text))
    except AezooError as err:
        return f"exit code {err.exit_code}:\n{err}"
    return ""


def _ray() -> Any:
    try:
        import ray
    except ImportError as err:
        raise MissingError(
            "the executor 'ray' needs Ray, which is not installed",
            where="--executor ray",
            fix="pip install 'aezoo[ray]', or leave the option out",
        ) from err
    return ray
