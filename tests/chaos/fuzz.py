"""Files with damaged or misshapen contents, put to what reads them.

Each is refused with an AezooError, or accepted with what it says. Taken without a word although it is not
what aezoo wrote, where the file can tell (a seal): a silent difference. Anything else that is raised is a
traceback, and more than `PATIENCE` seconds are a hang.
"""

import os
import random
import resource
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.chaos.bench import Bench, Silent
from tests.chaos.judge import Finding, at_fault
from tests.chaos.kinds import KINDS

PATIENCE = 30.0  # seconds for one input
MEMORY = 8 << 30  # bytes that the process may take: what a mutated size asks for beyond that is refused


class Hang(BaseException):
    """No end after so many seconds; nobody catches it for something else."""


BATCH = 20  # inputs of one kind in a row


def campaign(seed: int, folder: Path, numbers: range) -> tuple[Callable[[int, int], Any], int]:
    """Inputs of all kinds, as many of each as its share says."""
    Bench(folder / "first")
    return partial(_batch, seed, folder), BATCH


def _batch(seed: int, folder: Path, first: int, last: int) -> tuple[Counter[str], list[Finding]]:
    bench, counts, findings = _bench(folder, os.getpid()), Counter[str](), list[Finding]()
    for number in range(first, last):
        kind = kind_of(seed, number)
        verdict, what = one(kind, seed, number, bench)
        counts[f"{kind}: {verdict}"] += 1
        if what:
            findings.append(Finding(f"--seed {seed} --only {number}: {kind}", verdict, what))
    return counts, findings


def kind_of(seed: int, number: int) -> str:
    shares = [share for _, share in KINDS.values()]
    return random.Random(f"{seed}/{number // BATCH}").choices(list(KINDS), shares)[0]


@cache
def _bench(folder: Path, process: int) -> Bench:
    """Each process its own, with a bound on its memory."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _hang)
    shutil.copytree(folder / "first", folder / str(process))
    return Bench(folder / str(process))


def one(kind: str, seed: int, number: int, bench: Bench) -> tuple[str, str]:
    """The verdict on an input, and where it went wrong."""
    use, _ = KINDS[kind]
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        return use(bench, random.Random(f"{kind}/{seed}/{number}")), ""
    except Silent as err:
        return "silent", str(err)
    except Hang as err:
        return "hang", at_fault(err)
    except Exception as err:
        return "traceback", at_fault(err)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _hang(number: int, frame: object) -> None:
    raise Hang
