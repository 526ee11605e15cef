"""How long a command that only lists takes to start, beside the libraries that it cannot do without.

Both run in turn, each in a process of its own; the ratio is that of the least processor times, since another
program on the machine can only add to them.

    python benchmarks/start.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

ROUNDS = 15
LIBRARIES = (sys.executable, "-c", "import typer, pydantic, rich.table")
COMMAND = (sys.executable, "-P", "-m", "aezoo", "list")


def seconds(command: tuple[str, ...]) -> float:
    """Processor time of a command, user and system."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print both times, and their ratio."""
    pairs = [(seconds(LIBRARIES), seconds(COMMAND)) for _ in range(ROUNDS)]
    libraries, command = (min(times) for times in zip(*pairs, strict=True))
    middle = statistics.median(ours / theirs for theirs, ours in pairs)
    print(f"libraries {libraries:.3f} s, aezoo list {command:.3f} s: {command / libraries:.2f}")
    print(f"median of {ROUNDS} ratios: {middle:.2f}")


if __name__ == "__main__":
    main()
