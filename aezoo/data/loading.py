"""A dataset by its name, and the minibatches of a run."""

from __future__ import annotations

from typing import Any

import torch

from aezoo.config.run import Part, RunConfig
from aezoo.data.memory import is_streamed
from aezoo.data.order import Sizes
from aezoo.data.resident import Resident
from aezoo.data.streamed import Streamed
from aezoo.parts.interfaces import DataSource
from aezoo.parts.types import Data
from aezoo.registry.trust import allow_classes
from aezoo.resolve import check_part, make, with_path


def load_dataset(name: str, **settings: Any) -> Data:
    """All rows of a dataset: a registered name, such a name with a path ("npz:rows.npz"), or "module:Class".

    Raises:  ConfigError for an unknown name or setting; MissingError when the rows are not on this machine
    """
    allow_classes(name)
    section = with_path({"dataset": {"name": name, **settings}}, "")["dataset"]
    return _rows(check_part("dataset", section, "dataset"))


def load_data(config: RunConfig) -> Data:
    """The rows of the config's dataset."""
    return _rows(config.dataset)


def _rows(dataset: Part) -> Data:
    source: DataSource = make("dataset", dataset, (DataSource,))
    return source.load()


def batches_of(config: RunConfig, data: Data, device: torch.device, draws: int) -> Resident | Streamed:
    """Where the minibatches of a run come from: memory, or the disk for a dataset left there.

    draws:  minibatches of a step
    """
    train = config.train
    sizes = Sizes(train.batch_size, draws)
    if is_streamed(data):
        return Streamed(data, data.train, sizes, seed=train.seed, device=device, workers=train.workers)
    return Resident(data, data.train, sizes, seed=train.seed, device=device)
