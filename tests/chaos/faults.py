"""One refusal of the operating system at any file operation: told, and then the same command goes on."""

import errno
import random
from pathlib import Path

from tests.chaos.disturb import refuser
from tests.chaos.judge import Finding, difference, refused, remains
from tests.chaos.kills import whole_run_under_its_name
from tests.chaos.process import Process
from tests.chaos.scenarios import Stage, copy

REFUSALS = {
    "open": (errno.EIO, errno.EACCES),
    "read": (errno.EIO,),
    "list": (errno.EIO,),
    "create": (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES),
    "write": (errno.ENOSPC, errno.EIO, errno.EDQUOT),
    "fsync": (errno.EIO, errno.ENOSPC),
    "rename": (errno.EIO, errno.ENOSPC, errno.EROFS),
    "mkdir": (errno.ENOSPC, errno.EIO, errno.EROFS),
    "delete": (errno.EIO, errno.EROFS),
    "chmod": (errno.EROFS, errno.EPERM),
}


def trial(stage: Stage, rng: random.Random, folder: Path, number: int) -> tuple[str, Finding | None]:
    """What the operation was, and what is wrong with what is said, or afterwards."""
    place, name = copy(stage, folder, number), stage.scenario.name
    kind = rng.choice(sorted({kind for kind, _ in stage.operations[stage.first - 1 :]}))  # reads are many
    alike = [n for n, (one, _) in enumerate(stage.operations, 1) if one == kind and n >= stage.first]
    chosen, error, lasting = rng.choice(alike), rng.choice(REFUSALS[kind]), rng.random() < 0.5
    what = f"{name}: {errno.errorcode[error]} of {kind} {stage.operations[chosen - 1][1]}"
    ended = Process(
        stage.scenario.command, place, refuser(chosen, error, lasting=lasting), deep=stage.scenario.deep
    ).end()
    if ended is None:
        return "hang", Finding(what, "hang", "the command that is refused something")
    if ended.code and not refused(ended.code, ended.said):
        return "traceback", Finding(what, "traceback", ended.said[-600:])
    if stage.scenario.overwrites and (lost := whole_run_under_its_name(stage, place)):
        return "lost", Finding(what, "lost", lost)
    if ended.code:
        again = Process(stage.scenario.command, place).end()
        if again is None or again.code:
            return "lost", Finding(what, "lost", again.said[-600:] if again else "hangs afterwards")
    if unequal := difference(remains(place), stage.left):
        return "unequal", Finding(what, "unequal", unequal)
    return f"{kind} refused" if ended.code else f"{kind} got by", None
