"""`aezoo.compare`: a grid to finished runs, measured alike, in one table."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from aezoo.comparison.executors import Done, Executor, Local, Ray
from aezoo.comparison.grid import Grid, Request, grid_of
from aezoo.comparison.presence import absent
from aezoo.comparison.work import Task, is_measured, is_trained, options_of
from aezoo.errors import AezooError, ConfigError, InterruptedRun, did_you_mean
from aezoo.registry import registry
from aezoo.registry.onefile import keep_copies
from aezoo.rundir.log import line_of
from aezoo.rundir.rundir import RunDir
from aezoo.tables.cell import Cell, Outcome
from aezoo.training.progress import Progress, Silence
from aezoo.training.signals import on_signals

EXECUTORS = ("local", "ray")


@dataclass(frozen=True)
class Planned:
    """A cell and what is still to be done: `done`, `measure`, `resume` or `train`."""

    cell: Cell
    state: str
    steps: int


def compare(
    *methods: str | Path,
    datasets: Sequence[str] = (),
    seeds: int | None = None,
    steps: int | None = None,
    scale: str | None = None,
    sets: Sequence[str] = (),
    metrics: Sequence[str] = (),
    extractors: Sequence[str] = (),
    n: int | None = None,
    plugins: Sequence[str | Path] = (),
    trust: bool = False,
    home: str | Path = "runs",
    executor: str = "local",
    jobs: int | None = None,
    address: str = "",
    data_root: str | Path = "",
    download: bool = False,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Train what is missing, reuse what is there, measure all alike.

    methods:     recipes by name or file, run directories, grid.toml files
    datasets:    names; none: what each recipe says, or the default one
    seeds:       trainings of each method on each dataset
    sets:        "key=value" for every training
    metrics, extractors, n:  as in `aezoo.evaluate`, the same for all
    home:        where the runs of the grid are kept
    trust:       whether code that a run's files name may be executed, as in `aezoo.load`
    executor:    `local`, or `ray` for the cluster at `address`
    jobs:        processes at a time; none: a GPU each, or a processor core each
    data_root, download:  where public datasets are, and whether to fetch those that are missing

    A run that is finished is never trained twice; one that failed is an outcome with its reason.

    Raises:  AezooError for everything a user can mend
    """
    request = Request(
        methods=[str(name) for name in methods],
        datasets=datasets,
        seeds=seeds,
        steps=steps,
        scale=scale,
        sets=sets,
        metrics=metrics,
        extractors=extractors,
        n=n,
        plugins=plugins,
        trust=trust,
        data_root=str(data_root),
        download=download,
        home=Path(home),
        executor=executor,
        address=address,
        jobs=jobs,
    )
    return run(request, progress)


def run(request: Request, progress: Progress | None = None) -> list[Outcome]:
    """The outcomes of everything that is asked for."""
    executor = executor_of(request.executor, request.home, request.jobs, request.address)
    return run_grid(grid_of(request), executor, progress, jobs=request.jobs)


def run_grid(
    grid: Grid, executor: Executor, progress: Progress | None = None, *, jobs: int | None = None
) -> list[Outcome]:
    """The outcome of every cell of a grid, in its order, after working off what is not done yet.

    Cells whose data cannot be loaded fail; the others go on.

    Raises:  what is wrong with the data, where no cell has any
    """
    waiting = [planned.cell for planned in plan(grid) if planned.state != "done"]
    faults = absent(waiting, grid.n)
    if len(faults) == len(grid.cells) > 0:
        raise next(iter(faults.values()))
    able = [cell for cell in waiting if str(cell.path) not in faults]
    tasks = [_with_plugins(task_of_cell(cell, grid, jobs), cell, grid) for cell in able]
    failures = {path: str(fault) for path, fault in faults.items()}
    if tasks:
        failures |= _work_off(executor, tasks, progress or Silence())
    return [outcome(cell, failures.get(str(cell.path), "")) for cell in grid.cells]


def plan(grid: Grid) -> list[Planned]:
    """What is to be done of each cell."""
    return [Planned(cell, _state(cell, grid), cell.config.train.steps) for cell in grid.cells]


def _state(cell: Cell, grid: Grid) -> str:
    if is_measured(cell.path, options_of(grid)):
        return "done"
    if is_trained(cell.path):
        return "measure"
    return "resume" if (cell.path / "checkpoints").is_dir() else "train"


def task_of_cell(cell: Cell, grid: Grid, jobs: int | None) -> Task:
    """A cell as plain values; processor cores are divided among the jobs."""
    table = cell.config.model_dump(mode="json", exclude_none=True)
    return Task(
        {**table, "inherited": list(cell.config.inherited)},
        str(cell.path),
        tuple(grid.metrics),
        tuple(grid.extractors),
        grid.n,
        max(1, cores() // (jobs or default_jobs())),
        allowed=tuple(sorted(registry.allowed())),
    )


def _with_plugins(task: Task, cell: Cell, grid: Grid) -> Task:
    """The task with the one-file plugins that the cell needs: a run's own, or copies beside its log."""
    folder = (cell.path.parent / "logs" / cell.path.name).absolute()
    own = {name for name in cell.config.plugins if (cell.path / name).is_file()} - {*grid.plugins}
    names = dict.fromkeys([*cell.config.plugins, *grid.plugins])
    keep_copies([name for name in names if name not in own], folder)
    found = [(cell.path.absolute() if name in own else folder) / name for name in names]
    return replace(task, plugins=tuple(map(str, found)))


def default_jobs() -> int:
    """A job for each GPU, else for each processor core that this process may use."""
    return len(_gpus()) or cores()


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def executor_of(name: str, home: Path, jobs: int | None, address: str = "") -> Executor:
    """The executor by that name.

    Raises:  ConfigError for another name
    """
    if name == "local":
        return Local(jobs or default_jobs(), home / "logs", _gpus())
    if name == "ray":
        return Ray(address=address, gpus=1.0 if _gpus() else 0.0)
    raise ConfigError(
        f"no executor is called '{name}'",
        where="--executor",
        fix=f"{did_you_mean(name, EXECUTORS)}there are {', '.join(EXECUTORS)}",
    )


def _gpus() -> list[str]:
    import torch

    if not torch.cuda.is_available():  # also where CUDA_VISIBLE_DEVICES names some, or -1
        return []
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [word for word in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if word]
    return [str(number) for number in range(torch.cuda.device_count())]


def outcome(cell: Cell, failure: str = "") -> Outcome:
    """What is in a cell's run directory."""
    if failure or not (cell.path / "results.json").is_file():
        return Outcome(cell, {}, failure or "it was not trained")
    try:
        results = RunDir(cell.path).read_results()
        return Outcome(cell, results, rows=results.get("evaluation", {}).get("rows"))
    except AezooError as err:
        return Outcome(cell, {}, str(err))


def _work_off(executor: Executor, tasks: Sequence[Task], bar: Progress) -> dict[str, str]:
    """Failures by run directory. The bar counts iterations of all trainings together."""
    failures: dict[str, str] = {}
    over = set[str]()
    looked = 0.0
    with on_signals(_stop), ExitStack() as ends:
        bar.start("compare", sum(map(_steps, tasks)), 0)
        ends.callback(bar.finish)  # however this ends: an open bar hides the terminal's cursor
        for done in ends.enter_context(closing(executor.run(tasks))):
            if isinstance(done, Done):
                over.add(done.task.path)
                if done.failure:
                    failures[done.task.path] = done.failure
            if done is not None or time.monotonic() - looked > 1.0:
                looked = time.monotonic()
                bar.advance(sum(_steps(task) if task.path in over else _progress_of(task) for task in tasks))
    return failures


def _stop(number: int) -> None:
    """Ctrl-C and SIGTERM end the comparison in order: what runs writes a checkpoint, what is done stays."""
    raise InterruptedRun(
        f"stopped by {signal.Signals(number).name}; finished runs stay, the others have checkpoints",
        exit_code=128 + number,
        fix="give the same command again to go on",
    )


def _steps(task: Task) -> int:
    return int(task.config["train"]["steps"])


def _progress_of(task: Task) -> int:
    """The iteration that the last line of metrics.jsonl is of."""
    file = Path(task.path) / "metrics.jsonl"
    try:
        with file.open("rb") as lines:
            lines.seek(max(0, file.stat().st_size - 4096))
            last = lines.read().splitlines()[-2:-1]
    except OSError:  # not there yet, or a disk that fails: the cell itself will tell, the bar waits
        return 0
    line = (line_of(last[0]) if last else None) or {"step": 0}
    return min(line["step"], _steps(task)) if "stage" not in line else _steps(task)
