"""A run's model and data, rows chosen from them, and their way to codes and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from aezoo.data.loading import load_data
from aezoo.data.memory import CHUNK
from aezoo.errors import AezooError, ConfigError
from aezoo.parts.autoencoder import Autoencoder, join
from aezoo.parts.types import Data, Posterior, Split
from aezoo.randomness import generator_for
from aezoo.rundir.load import model_in
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir


def open_run(path: str | Path, *, trust: bool = False) -> tuple[Autoencoder, Data]:
    """The model of a run directory, and the dataset that it was trained on.

    trust:  whether code that the run names may be executed, as in `aezoo.load`

    Raises:  RunFileError for a directory that holds no run; MissingError for data that are not here;
             ConfigError for data that have changed their shape since
    """
    run = RunDir(Path(path))
    config = read_config(run, trust=trust)
    model, data = model_in(run, config), load_data(config)
    if data.shape != model.shape:
        raise ConfigError(
            f"{data.name} has rows of shape {data.shape}, and {path} was trained on {model.shape}",
            where="dataset",
            fix="put the data back that it was trained on",
        )
    return model, data


def choose(rows: int, n: int, seed: int, purpose: str, what: str) -> Tensor:
    """Numbers of n of the rows, each at most once, in an order that depends on the seed: int64 [n].

    Raises:  ConfigError when there are fewer rows
    """
    if not 1 <= n <= rows:
        fix = f"ask for 1 to {rows}" if rows else "this needs data that have some"
        raise ConfigError(f"{n} of {rows} {what} cannot be shown", where="-n", fix=fix)
    return torch.randperm(rows, generator=generator_for("cpu", seed, purpose))[:n]


def read(data: Data, split: Split, index: Tensor) -> Tensor:
    """x [n, *shape] of the rows with these numbers."""
    return torch.cat([data.x(split.values[some]) for some in index.split(CHUNK)])


def posterior_of(
    model: Autoencoder, data: Data, split: Split, reads: Sequence[str] = (), rows: Tensor | None = None
) -> Posterior:
    """The posterior of a split, or of the rows with some numbers, on the CPU: z and the named fields.

    Images are read and encoded some at a time.
    """
    values = split.values
    chunks = values.split(CHUNK) if rows is None else (values[some] for some in rows.split(CHUNK))
    found = join([_on_cpu(model.encode(data.x(x.to(model.device))), reads) for x in chunks])
    if not torch.isfinite(found.z).all():
        raise AezooError(
            f"the encoder makes codes of {data.name} that hold no finite numbers",
            where="encoder.name",
            fix="the training diverged: train anew, for instance with a smaller learning rate",
        )
    return found


def _on_cpu(posterior: Posterior, reads: Sequence[str]) -> Posterior:
    """A plain posterior of z and the named fields: whatever else it carries is not kept."""
    found = {name: getattr(posterior, name) for name in reads}
    more = {name: value.cpu() for name, value in found.items() if value is not None}
    return Posterior(posterior.z.cpu(), **more)


def decode(model: Autoencoder, codes: Tensor) -> Tensor:
    """x_hat [N, K, *shape] of codes [N, K, m].

    Column by column, so that a column of an encoder's codes is the reconstruction bit by bit.
    """
    return torch.stack([model.decode(column) for column in codes.unbind(dim=1)], dim=1)


def check_steps(steps: int) -> None:
    """Raises ConfigError for a path without two ends."""
    if steps < 2:
        raise ConfigError(f"{steps} steps make no path", where="--steps", fix="ask for 2 or more")
