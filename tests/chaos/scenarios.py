"""What is disturbed: a command on a small run, what was there before, and what an undisturbed one leaves."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.chaos.judge import Finding, Remains, remains
from tests.chaos.process import Ended, Process, recorded
from tests.tiny import SETS, WORDS

EVERY = ("--set", "checkpoint.every=2", "--set", "train.log_every=1", "--device", "cpu", "--quiet")
TRAIN = ("train", "vae", *WORDS, "--steps", "6", *EVERY, "--out", "run")
FIT = ("train", "two-stage-vae", *WORDS, "--steps", "4", *EVERY, "--out", "run")
EVALUATE = ("evaluate", "run", "--metrics", "reconstruction,fd", "-n", "40")
COMPARE = (
    *(
        "compare",
        "vae",
        "--seeds",
        "2",
        "--steps",
        "4",
        "--jobs",
        "1",
        "--metrics",
        "reconstruction",
        "-n",
        "40",
    ),
    *(word for setting in (*SETS, "checkpoint.every=2") for word in ("--set", setting)),
)


@dataclass(frozen=True)
class Scenario:
    """A command that may be given again.

    before:  commands that make what it finds
    begins:  a path below which its first operation begins what is disturbed; empty: all of it
    deep:    whether the processes that it starts are disturbed, and not itself
    """

    name: str
    command: Sequence[str]
    before: Sequence[Sequence[str]] = ()
    begins: str = ""
    deep: bool = False

    @property
    def overwrites(self) -> bool:
        return "--overwrite" in self.command


SCENARIOS = {
    one.name: one
    for one in (
        Scenario("train", (*TRAIN, "--resume")),
        Scenario("fit", (*FIT, "--resume"), begins="run/checkpoints/.fit"),
        Scenario("products", (*TRAIN, "--resume"), begins="run/.model.safetensors"),
        Scenario("evaluate", EVALUATE, before=(TRAIN,)),
        Scenario("overwrite", (*TRAIN, "--seed", "1", "--overwrite"), before=(TRAIN,)),
        Scenario("compare", COMPARE),
        Scenario("cell", COMPARE, deep=True),
    )
}


@dataclass(frozen=True)
class Stage:
    """A scenario, ready to be tried again and again.

    folder:      what it begins with
    first:       number of its first operation that may be disturbed
    operations:  all of them: kind and path
    seconds:     that it takes undisturbed
    left:        what it leaves undisturbed
    older:       what was there before
    """

    scenario: Scenario
    folder: Path
    first: int
    operations: Sequence[tuple[str, str]]
    seconds: float
    left: Remains
    older: Remains = field(default_factory=dict)


@cache
def prepare(scenario: Scenario, folder: Path) -> Stage:
    """The scenario once without any disturbance."""
    start, undisturbed = folder / "start", folder / "undisturbed"
    start.mkdir(parents=True)
    for words in scenario.before:
        check(Process(words, start).end())
    shutil.copytree(start, undisturbed)
    ended, operations = recorded(scenario.command, undisturbed)
    check(ended)
    first = next((n for n, (_, path) in enumerate(operations, 1) if path.startswith(scenario.begins)), 1)
    return Stage(scenario, start, first, operations, ended.seconds, remains(undisturbed), remains(start))


def check(ended: Ended | None) -> Ended:
    """Raises:  AssertionError where a command that nothing disturbs does not work: nothing to judge"""
    assert ended is not None and ended.code == 0, ended and ended.said
    return ended


def copy(stage: Stage, folder: Path, number: int) -> Path:
    """The beginning once more."""
    return Path(shutil.copytree(stage.folder, folder / f"trial-{number}", symlinks=True))


Trial = Callable[[Stage, random.Random, Path, int], tuple[str, Finding | None]]


def campaign(
    kind: str, trial: Trial, seed: int, folder: Path, numbers: range
) -> tuple[Callable[[int, int], Any], int]:
    """Trials of all scenarios in turn: what makes those of some numbers, and how many at a time."""
    every = list(SCENARIOS.values())
    wanted = {number % len(every) for number in numbers}
    stages = {place: prepare(every[place], folder / every[place].name) for place in sorted(wanted)}
    return partial(_trials, kind, trial, stages, seed, folder), 1


def _trials(
    kind: str, trial: Trial, stages: Mapping[int, Stage], seed: int, folder: Path, first: int, last: int
) -> tuple[Counter[str], list[Finding]]:
    counts, findings = Counter[str](), list[Finding]()
    for number in range(first, last):
        stage = stages[number % len(SCENARIOS)]
        what, finding = trial(stage, random.Random(f"{kind}/{seed}/{number}"), folder, number)
        counts[f"{stage.scenario.name}: {what}"] += 1
        if finding is not None:
            findings.append(replace(finding, trial=f"--seed {seed} --only {number}: {finding.trial}"))
        shutil.rmtree(folder / f"trial-{number}", ignore_errors=True)
    return counts, findings
