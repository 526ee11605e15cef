"""Two commands on one run directory at the same time: one does its work, the other too or is refused."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.chaos.disturb import killer
from tests.chaos.judge import Finding, Remains, difference, refused, remains
from tests.chaos.process import Ended, Process
from tests.chaos.scenarios import COMPARE, TRAIN, check

LATER = 0.8  # share of its own time that the second begins later, at most
FD = ("evaluate", "run", "--metrics", "fd", "-n", "40")
SSE = ("evaluate", "run", "--metrics", "reconstruction", "-n", "40")
RESUME = (*TRAIN, "--resume")


@dataclass(frozen=True)
class Pair:
    """Two commands.

    start:  none, half or whole: how much of the run is there when they begin
    """

    name: str
    first: Sequence[str]
    second: Sequence[str]
    start: str

    @property
    def commands(self) -> tuple[Sequence[str], Sequence[str]]:
        return self.first, self.second


def _over(seed: int) -> Sequence[str]:
    return (*TRAIN, "--seed", str(seed), "--overwrite")


PAIRS = (
    Pair("overwrite and overwrite", _over(1), _over(2), "whole"),
    Pair("train and train", TRAIN, TRAIN, "none"),
    Pair("resume and resume", RESUME, RESUME, "half"),
    Pair("resume and overwrite", RESUME, _over(1), "half"),
    Pair("evaluate and evaluate", FD, SSE, "whole"),
    Pair("evaluate and resume", FD, RESUME, "whole"),
    Pair("evaluate and overwrite", FD, _over(1), "whole"),
    Pair("compare and compare", COMPARE, COMPARE, "none"),
)


@dataclass(frozen=True)
class Arena:
    """A pair, what it begins with, and what may be there afterwards.

    right:  by the numbers of the commands that went through, in their order: what they leave undisturbed
    """

    pair: Pair
    folder: Path
    seconds: float
    right: dict[tuple[int, ...], Remains]


def campaign(seed: int, folder: Path, numbers: range) -> tuple[Callable[[int, int], Any], int]:
    """All pairs in turn."""
    starts = {name: folder / f"start-{name}" for name in ("none", "half", "whole")}
    for place in starts.values():
        place.mkdir(parents=True)
    check(Process(TRAIN, starts["whole"]).end())
    Process(TRAIN, starts["half"], killer(150)).end()
    wanted = {number % len(PAIRS) for number in numbers}
    arenas = {n: _arena(PAIRS[n], starts[PAIRS[n].start], folder / f"right-{n}") for n in sorted(wanted)}
    return partial(_trials, arenas, seed, folder), 1


def _arena(pair: Pair, start: Path, folder: Path) -> Arena:
    right, seconds = {}, 0.0
    for order in ((0,), (1,), (0, 1), (1, 0)):
        place = Path(shutil.copytree(start, folder / "-".join(map(str, order))))
        ended = [Process(pair.commands[number], place).end() for number in order]
        check(ended[0])
        seconds = max(seconds, *(one.seconds for one in ended if one is not None))
        if all(one is not None and one.code == 0 for one in ended):
            right[order] = remains(place)
    return Arena(pair, start, seconds, right)


def _trials(
    arenas: Mapping[int, Arena], seed: int, folder: Path, first: int, last: int
) -> tuple[Counter[str], list[Finding]]:
    counts, findings = Counter[str](), list[Finding]()
    for number in range(first, last):
        arena, rng = arenas[number % len(PAIRS)], random.Random(f"pairs/{seed}/{number}")
        place = Path(shutil.copytree(arena.folder, folder / f"trial-{number}"))
        what, finding = _trial(arena, rng, place)
        counts[f"{arena.pair.name}: {what}"] += 1
        if finding is not None:
            findings.append(replace(finding, trial=f"--seed {seed} --only {number}: {arena.pair.name}"))
        shutil.rmtree(place, ignore_errors=True)
    return counts, findings


def _trial(arena: Arena, rng: random.Random, place: Path) -> tuple[str, Finding | None]:
    order = rng.sample((0, 1), 2)
    first = Process(arena.pair.commands[order[0]], place)
    time.sleep(rng.uniform(0, LATER * arena.seconds) * rng.choice((0, 0.2, 1)))
    second = Process(arena.pair.commands[order[1]], place)
    ended = dict(zip(order, (first.end(), second.end()), strict=True))
    through = tuple(number for number in order if (one := ended[number]) is not None and one.code == 0)
    for one in ended.values():
        if fault := _fault(one):
            return fault.kind, fault
    if not through:
        said = " and ".join(one.said[-300:] for one in ended.values() if one is not None)
        return "lost", Finding("", "lost", f"both are refused: {said}")
    found = remains(place)
    fitting = [right for some, right in arena.right.items() if set(some) == set(through)]
    unequal = [difference(found, right) for right in fitting]
    if unequal and all(unequal):
        return "unequal", Finding("", "unequal", f"{through} went through; {min(unequal, key=len)}")
    return f"{len(through)} went through", None


def _fault(ended: Ended | None) -> Finding | None:
    if ended is None:
        return Finding("", "hang", "a command that does not end")
    if ended.code and not refused(ended.code, ended.said):
        return Finding("", "traceback", ended.said[-600:])
    return None
