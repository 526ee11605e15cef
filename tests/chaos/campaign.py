"""Trials one after the other, in some processes; their counts in a file, from which it goes on."""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from aezoo.verbs.evaluate import evaluate
from tests.chaos import faults, fuzz, kills, pairs
from tests.chaos.judge import Finding
from tests.chaos.scenarios import campaign
from tests.tiny import trained

BAD = ("traceback", "silent", "lost", "unequal", "hang")
SHOWN = 20  # findings
Batch = tuple[Counter[str], list[Finding]]


@dataclass
class Count:
    """What a campaign of one kind has come to so far."""

    seed: int
    done: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, str]] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        self.outcomes += batch[0]
        self.findings += [asdict(one) for one in batch[1]]
        self.done += sum(batch[0].values())


CAMPAIGNS: dict[str, Callable[[int, Path, range], Any]] = {
    "kills": partial(campaign, "kills", kills.trial),
    "faults": partial(campaign, "faults", faults.trial),
    "pairs": pairs.campaign,
    "fuzz": fuzz.campaign,
}
"""Kind -> from a seed, a folder to work in and the numbers to come: what tries a batch, and its size."""


SHARES = {"kills": 1, "faults": 1, "pairs": 0.2, "fuzz": 100}
"""Of `all`: so many trials of each kind for one kill."""


def main() -> None:
    """Raises:  SystemExit, with 1 where something happened that must not"""
    options = _options()
    torch.set_num_threads(1)
    _warm_up()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        found = _try(options, Path(folder))
    raise SystemExit(1 if any(one.findings for one in found.values()) else 0)


def _try(options: argparse.Namespace, folder: Path) -> dict[str, Count]:
    """What is asked for, and how it went."""
    found = _read(options.out)
    kinds = list(CAMPAIGNS) if options.kind == "all" else [options.kind]
    for kind in kinds:
        wanted = int(options.count * SHARES[kind]) if options.kind == "all" else options.count
        count = found.setdefault(kind, Count(options.seed))
        if count.seed != options.seed:
            raise SystemExit(f"{options.out} holds {kind} of seed {count.seed}: give another --out")
        _go_on(kind, count, wanted, options, folder, found)
    tried = {kind: found[kind] for kind in kinds}
    print(table(tried))
    return tried


def _warm_up() -> None:
    """Everything is imported and made once, so that a process that is forked from this one begins at once."""
    with tempfile.TemporaryDirectory() as folder:
        run = trained(Path(folder) / "run", "two-stage-vae")
        evaluate(run.path, metrics=["reconstruction", "fd"], n=40)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python tests/chaos", description=sys.modules["__main__"].__doc__)
    parser.add_argument("kind", choices=[*CAMPAIGNS, "all"])
    parser.add_argument(
        "--count", type=int, default=20, help="trials, those of --out included; of `all`: kills"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--out", type=Path, help="counts as JSON, gone on with where it exists")
    parser.add_argument("--only", type=int, help="this one trial, and nothing is written")
    return parser.parse_args()


def _go_on(
    kind: str, count: Count, wanted: int, options: argparse.Namespace, folder: Path, every: dict[str, Count]
) -> None:
    first, last = (options.only, options.only + 1) if options.only is not None else (count.done, wanted)
    if first >= last:
        return
    trial, size = CAMPAIGNS[kind](options.seed, folder, range(first, last))
    batches = [(start, min(start + size, last)) for start in range(first, last, size)]
    begun = time.monotonic()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("fork")) as pool:
        for batch in pool.map(partial(_batch, trial), batches):
            count.add(batch)
            count.seconds += time.monotonic() - begun
            begun = time.monotonic()
            if options.out and options.only is None:
                _write(options.out, every)
            if sys.stderr.isatty():
                print(f"\r{kind} {count.done} of {wanted}", end="", file=sys.stderr)


def _batch(trial: Callable[[int, int], Batch], numbers: tuple[int, int]) -> Batch:
    return trial(*numbers)


def _read(file: Path | None) -> dict[str, Count]:
    if file is None or not file.exists():
        return {}
    found = json.loads(file.read_text())
    return {kind: Count(**{**one, "outcomes": Counter(one["outcomes"])}) for kind, one in found.items()}


def _write(file: Path, found: dict[str, Count]) -> None:
    partial_file = file.with_name(f"{file.name}.new")
    partial_file.write_text(json.dumps({kind: vars(one) for kind, one in found.items()}, indent=1) + "\n")
    partial_file.replace(file)


def table(found: dict[str, Count]) -> str:
    """A row for each kind, what came of it, and what must not happen."""
    lines = [
        "| kind | seed | trials | " + " | ".join(BAD) + " | minutes |",
        "| --- |" + " ---: |" * (len(BAD) + 3),
    ]
    for kind, one in found.items():
        bad = [str(sum(finding["kind"] == word for finding in one.findings)) for word in BAD]
        row = [kind, str(one.seed), f"{one.done:,}", *bad, f"{one.seconds / 60:.1f}"]
        lines.append(f"| {' | '.join(row)} |")
    for kind, one in found.items():
        lines += ["", f"{kind}: " + ", ".join(f"{what} {n:,}" for what, n in sorted(one.outcomes.items()))]
        lines += [f"  {each['kind']}: {each['trial']}: {each['what']}" for each in one.findings[:SHOWN]]
    return "\n".join(lines)
