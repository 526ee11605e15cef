"""SIGKILL at any file operation, or at any moment: the same command again comes to the same bits.

An --overwrite is killed once or twice; after each kill a whole run has its name, the old or the new one.
"""

import random
import time
from pathlib import Path

from aezoo.rundir.load import load
from tests.chaos.bench import bits
from tests.chaos.disturb import killer
from tests.chaos.judge import Finding, difference, remains
from tests.chaos.process import Process
from tests.chaos.scenarios import Stage, copy

KILLED = -9


def trial(stage: Stage, rng: random.Random, folder: Path, number: int) -> tuple[str, Finding | None]:
    """How often it was killed, and what is wrong afterwards."""
    place, killed, name = copy(stage, folder, number), 0, stage.scenario.name
    for _ in range(rng.choice((1, 2)) if stage.scenario.overwrites else rng.choice((1, 1, 1, 2, 3))):
        if not _kill(stage, rng, place):
            continue
        killed += 1
        if stage.scenario.overwrites and (lost := whole_run_under_its_name(stage, place)):
            return "lost", Finding(name, "lost", lost)
    ended = Process(stage.scenario.command, place).end()
    if ended is None:
        return "hang", Finding(name, "hang", "the command that goes on")
    if ended.code:
        kind = "traceback" if "Traceback" in ended.said else "lost"
        return kind, Finding(name, kind, ended.said[-600:])
    if unequal := difference(remains(place), stage.left):
        return "unequal", Finding(name, "unequal", unequal)
    return f"killed {'once' if killed == 1 else 'more often' if killed else 'too late'}", None


def _kill(stage: Stage, rng: random.Random, place: Path) -> bool:
    """Begin, and be killed; whether that came in time."""
    command, deep = stage.scenario.command, stage.scenario.deep
    if deep or rng.random() < 0.6:
        chosen = rng.randrange(stage.first, len(stage.operations) + 1)
        ended = Process(command, place, killer(chosen), deep=deep).end()
        return ended is not None and (deep or ended.code == KILLED)
    process = Process(command, place)
    begins = stage.seconds * (stage.first - 1) / len(stage.operations)
    time.sleep(rng.uniform(begins, stage.seconds))
    process.kill()
    ended = process.end()
    return ended is not None and ended.code == KILLED


def whole_run_under_its_name(stage: Stage, place: Path) -> str:
    """Why there is none; empty where there is one, the old one or the new one."""
    try:
        found = bits(load(place / "run").state_dict())
    except Exception as err:
        return f"no run under its name: {err}"
    names = remains(place)
    old = {name: digest for name, digest in stage.older.items() if name.startswith("run/")}
    mine = {name: digest for name, digest in names.items() if name.startswith("run/")}
    is_old = "seed = 0" in (place / "run" / "config.toml").read_text()
    if is_old and (unequal := difference(mine, old)):
        return f"the old run is not whole: {unequal}"
    return "" if found else "the run has no weights"
