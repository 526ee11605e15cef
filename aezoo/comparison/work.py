"""One cell from beginning to end, in a process of its own: trained where it is not yet, then measured.

python -m aezoo.comparison.work TASK.json
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aezoo.errors import AezooError
from aezoo.registry import registry
from aezoo.registry.onefile import load_file
from aezoo.registry.packages import changes, default_metrics, measuring
from aezoo.resolve import read
from aezoo.rundir.lock import FOREVER, hold
from aezoo.rundir.rundir import RunDir

if TYPE_CHECKING:
    from aezoo.comparison.grid import Grid


@dataclass(frozen=True)
class Task:
    """A cell as plain values, so that it goes to any process on any machine.

    config:   the whole run file
    path:     the run directory, on a disk that everybody sees
    threads:  of the processor, for a training that gives the same bits everywhere
    plugins:  one-file plugins to load first
    allowed:  code besides that may be executed, as `registry.allow` takes it
    """

    config: Mapping[str, Any]
    path: str
    metrics: tuple[str, ...]
    extractors: tuple[str, ...]
    n: int | None
    threads: int
    plugins: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def task_of(text: str) -> Task:
    """The task that `as_json` wrote."""
    table = json.loads(text)
    lists = {name: tuple(table[name]) for name in ("metrics", "extractors", "plugins", "allowed")}
    return Task(**{**table, **lists})


def is_trained(path: Path) -> bool:
    """Whether a run directory holds a training that came to the end its config.toml asks for.

    One that was stopped in its short evaluation did not: that is made up for when the run is resumed.
    """
    if not ((path / "results.json").is_file() and RunDir(path).is_finished()):
        return False
    try:
        return not RunDir(path).read_results().get("finishing", False)
    except AezooError:  # damaged: measuring will say so
        return True


def is_kept(path: Path) -> bool:
    """Whether a directory keeps the numbers of a run without its weights, as one does beside a page.

    With neither model nor checkpoints there is nothing that could be trained on or measured again.
    """
    there = (path / name for name in ("config.toml", "results.json"))
    gone = (path / name for name in ("model.safetensors", "checkpoints"))
    return all(file.is_file() for file in there) and not any(file.exists() for file in gone)


def is_measured(path: Path, asked: Mapping[str, Any]) -> bool:
    """Whether its numbers were measured as asked; damaged ones were not, as measuring will say."""
    if not (is_trained(path) or is_kept(path)):
        return False
    try:
        evaluation = RunDir(path).read_results().get("evaluation", {})
    except AezooError:
        return False
    found = {"checkpoint": "last", **evaluation.get("asked", {})}  # which older results do not say
    same = all(found.get(key) == value for key, value in asked.items())
    return same and _is_of_this_code(evaluation.get("packages", {}), asked)


def _is_of_this_code(recorded: Mapping[str, str], asked: Mapping[str, Any]) -> bool:
    """Whether the parts behind some numbers are what they were: those of the run, metrics and extractors."""
    now = measuring(asked["metrics"] or default_metrics(), asked["extractors"])
    return now.items() <= recorded.items() and not changes(recorded)


def options_of(asked: Grid | Task) -> dict[str, Any]:
    """What `results.json` keeps of how it was asked for."""
    named = {"metrics": list(asked.metrics), "extractors": list(asked.extractors)}
    return {**named, "n": asked.n, "seed": 0, "checkpoint": "last"}


def work(task: Task) -> None:
    """Train, or go on training; then measure. What is done already is left alone.

    Whoever works on the same run directory is waited for.
    """
    import torch

    from aezoo.verbs.evaluate import evaluate
    from aezoo.verbs.train import TrainRequest, train

    path = Path(task.path)
    with hold(path, wait=FOREVER):
        torch.set_num_threads(task.threads)
        registry.allow(task.allowed)
        for plugin in task.plugins:
            load_file(Path(plugin))
        if not is_trained(path):
            train(TrainRequest(config=read(dict(task.config)), out=path, resume=True))
        if not is_measured(path, options_of(task)):
            root = str(task.config["dataset"].get("root", ""))  # files may have moved since it was trained
            evaluate(
                path,
                metrics=task.metrics,
                extractors=task.extractors,
                n=task.n,
                data_root=root,
                plugins=task.plugins,
            )


def _end_with_the_parent() -> None:
    """Stop, with a checkpoint, when the process that started this one is gone and its pipe closed."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """The process of one cell: exit codes as `aezoo train` has them."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        work(task_of(Path(sys.argv[1]).read_text(encoding="utf-8")))
    except AezooError as err:
        print(err, file=sys.stderr)
        raise SystemExit(err.exit_code) from None


if __name__ == "__main__":
    main()
