"""A dataset by its name."""

from __future__ import annotations

from typing import Any

from aezoo.config.check import check
from aezoo.config.run import RunConfig
from aezoo.parts.interfaces import DataSource
from aezoo.parts.types import Data
from aezoo.resolve import part_class, settings_class, with_path


def load_dataset(name: str, **settings: Any) -> Data:
    """All rows of a dataset: a registered name, such a name with a path ("npz:rows.npz"), or "module:Class".

    Raises:  ConfigError for an unknown name or setting; MissingError when the rows are not on this machine
    """
    section = with_path({"dataset": {"name": name, **settings}}, "")["dataset"]
    name = section.pop("name")
    source = part_class("dataset", name, "dataset.name")
    typed = check(settings_class("dataset", name), section, "dataset")
    loaded: DataSource = source(**{field: getattr(typed, field) for field in type(typed).model_fields})
    return loaded.load()


def load_data(config: RunConfig) -> Data:
    """The rows of the config's dataset."""
    return load_dataset(**config.dataset)
