"""Data handed over in Python: tensors, arrays, and datasets of torch."""

from __future__ import annotations

import hashlib
from typing import Any, TypeAlias, final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from aezoo.config.run import Part
from aezoo.data.arrays import as_tensor, checked_labels, checked_rows, counted_classes, part, split_rows
from aezoo.data.memory import CHUNK, gather
from aezoo.errors import ConfigError, MissingError
from aezoo.parts.types import Data, Split

Rows: TypeAlias = Tensor | np.ndarray | Dataset[Any] | Data
TEST = 0.1  # share of the rows that become the test part


@final
class Given:
    """Stands in a run's config for data that were given from Python, and are kept nowhere else.

    kind:    what they were: tensor, array, dataset or Data
    rows:    how many there were, train and test
    sha256:  of their values, so that a resumed run is given the same ones
    """

    def __init__(self, kind: str = "", rows: int = 0, sha256: str = "") -> None:
        self.kind, self.rows = kind, rows

    def load(self) -> Data:
        """Raises MissingError: nothing on this machine is known to hold them."""
        raise MissingError(
            f"this run was trained on {self.rows} rows given from Python (a {self.kind}), kept nowhere else",
            where="dataset.name",
            fix="give them again: aezoo.train(..., dataset=ROWS), aezoo.evaluate(RUN, data=ROWS)",
        )


def given_data(dataset: Rows) -> tuple[Data, dict[str, Any]]:
    """The rows as a dataset, and the config's section about them.

    dataset:  uint8 0..255 or floats 0..1: [N, C, H, W], [N, H, W, C], [N, H, W] or [N, D]; or a map-style
              Dataset whose items are such an x without N, or (x, class); or a `Data`, taken as it is

    A tenth of the rows, always the same, becomes the test part, except of a `Data`.

    Raises:  ConfigError for shapes, types and values that cannot be trained on
    """
    if isinstance(dataset, Data):
        return dataset, _section("Data", dataset)
    if isinstance(dataset, Dataset):
        kind, (values, labels) = "dataset", _collect(dataset)
    else:
        kind = "tensor" if isinstance(dataset, Tensor) else "array"
        values, labels = _tensor(dataset), None
    rows, scale = checked_rows(values, "dataset")
    classes = None if labels is None else checked_labels(labels, len(rows), "the dataset's labels")
    (classes,), names = counted_classes([classes])
    whole = Split(rows, classes)
    train, test = split_rows(len(rows), TEST)
    data = Data(
        name="given",
        shape=tuple(rows.shape[1:]),
        range=(0.0, 1.0),
        train=part(whole, train),
        test=part(whole, test),
        scale=scale,
        classes=names,
    )
    return data, _section(kind, data)


def _collect(dataset: Dataset[Any]) -> tuple[Tensor, Tensor | None]:
    """All items in memory: values [N, ...], and classes where items are pairs."""
    if not hasattr(dataset, "__len__") or len(dataset) == 0:
        raise ConfigError(
            f"a {type(dataset).__name__} with no length or no items cannot be trained on",
            where="dataset=",
            fix="give a map-style Dataset with at least one item",
        )
    items = [dataset[index] for index in range(len(dataset))]
    pairs = isinstance(items[0], tuple | list)
    images = [_tensor(item[0] if pairs else item) for item in items]
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) > 1:
        found = sorted(shapes)
        raise ConfigError(
            f"the dataset's items have different shapes, such as {found[0]} and {found[-1]}",
            where="dataset=",
            fix="bring them to one shape in the Dataset",
        )
    labelled = pairs and len(items[0]) > 1
    return torch.stack(images), torch.tensor([int(item[1]) for item in items]) if labelled else None


def _tensor(item: Any) -> Tensor:
    """A tensor, an array or a picture as a tensor on the CPU."""
    return item.detach().cpu() if isinstance(item, Tensor) else as_tensor(np.asarray(item), "dataset")


def _section(kind: str, data: Data) -> dict[str, Any]:
    return {
        "name": f"{__name__}:{Given.__name__}",
        "kind": kind,
        "rows": len(data.train) + len(data.test),
        "sha256": rows_sha256(data),
    }


def rows_sha256(data: Data) -> str:
    """Of the values of all rows, train and test."""
    digest = hashlib.sha256()
    for split in (data.train, data.test):
        for rows in gather(split.values).split(CHUNK):
            digest.update(rows.contiguous().numpy().tobytes())
    return digest.hexdigest()


def recorded_sha256(dataset: Part) -> str:
    """The sha256 that a run records of rows given from Python; empty where its data have a name."""
    own = dataset.name == f"{__name__}:{Given.__name__}"
    return str(dataset.get("sha256")) if own else ""
