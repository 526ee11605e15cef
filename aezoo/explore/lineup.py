"""New images of several runs on one dataset, beside real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.explore.codes import choose, open_run, read
from aezoo.parts.types import Data
from aezoo.randomness import generator_for
from aezoo.report.view import labels
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir


@dataclass(frozen=True)
class Lineup:
    """Images at random, none of them chosen.

    x:      of the test split [n, *shape]
    x_hat:  new ones of each run, by its name [n, *shape]
    range:  of the values; None for vectors
    """

    x: Tensor
    x_hat: Mapping[str, Tensor]
    range: tuple[float, float] | None


def lineup(runs: Sequence[str | Path], *, n: int = 12, seed: int = 0, trust: bool = False) -> Lineup:
    """What `aezoo sample` draws from each run with this n and seed, and as many test images.

    trust:  whether code that the runs name may be executed, as in `aezoo.load`

    Raises:  ConfigError for no run, one that is named twice, and runs on different datasets
    """
    if not runs:
        raise ConfigError("no run is named", where="runs", fix="name one or more run directories")
    found: dict[str, Tensor] = {}
    first: Data | None = None  # alone is kept: data may be large
    for path, name in names_of([Path(run) for run in runs], trust=trust).items():
        model, data = open_run(path)
        first = first or data
        if (first.name, first.shape) != (data.name, data.shape):
            raise ConfigError(
                f"{path} was trained on {data.name} {data.shape}, "
                f"those before it on {first.name} {first.shape}",
                where="runs",
                fix="name runs on one dataset",
            )
        found[name] = model.sample(n, generator_for(model.device, seed, "sample")).cpu()
    assert first is not None, "a run is named"
    rows = choose(len(first.test), n, seed, "lineup", "test images")
    return Lineup(read(first, first.test, rows), found, first.range)


def names_of(runs: Sequence[Path], *, trust: bool = False) -> dict[Path, str]:
    """A run's recipe; where recipes do not tell all runs apart, its directory."""
    directories = labels(runs)
    configs = {path: read_config(RunDir(path), trust=trust, warn=False) for path in directories}
    recipes = {path: configs[path].recipe.name or name for path, name in directories.items()}
    return recipes if len(set(recipes.values())) == len(runs) else directories
