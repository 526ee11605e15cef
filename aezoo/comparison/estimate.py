"""How long a training will take, tried with a few of its own iterations."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from aezoo.comparison.compare import Planned
from aezoo.data.loading import batches_of, load_data
from aezoo.data.memory import place
from aezoo.device import choose_device
from aezoo.rundir.rundir import RunDir
from aezoo.tables.cell import Cell
from aezoo.training.assemble import prepare, trainer_of
from aezoo.training.ends import initialise_parts
from aezoo.training.schedule import draws_in

WARM, TIMED = 2, 4  # iterations


def seconds_to_go(planned: Sequence[Planned]) -> list[float]:
    """Seconds of training left for each cell; a method's speed on a dataset is tried once."""
    whole: dict[tuple[str, str], float] = {}
    found = []
    for one in planned:
        key = (one.cell.method, one.cell.dataset)
        if one.state in ("train", "resume") and key not in whole:
            whole[key] = seconds_of(one.cell)
        reached = sum(RunDir(one.cell.path).steps()[-1:])  # by the newest checkpoint
        left = 1 - min(reached / one.steps, 1.0)
        found.append(whole[key] * left if one.state in ("train", "resume") else 0.0)
    return found


def seconds_of(cell: Cell) -> float:
    """Seconds that the cell's training takes at the speed of a few iterations, without its evaluation."""
    config = cell.config
    device = choose_device(config.train.device)
    data = place(load_data(config), config.train.data, device)
    config, assembly = prepare(config, data)
    with torch.random.fork_rng(devices=[device.index or 0] if device.type == "cuda" else []):
        initialise_parts(assembly.model.to(device).train(), data, config.train.seed)
        trainer = trainer_of(
            config, assembly, batches_of(config, data, device, draws_in(assembly.schedule)), device
        )
        for _ in range(WARM):
            trainer.iterate(record=False)
        begun = time.perf_counter()
        for _ in range(TIMED):
            trainer.iterate(record=True)
    return (time.perf_counter() - begun) / TIMED * config.train.steps
