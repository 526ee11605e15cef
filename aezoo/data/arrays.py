"""Arrays from outside as rows of a dataset, checked once so that nothing later has to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.parts.types import Split

CHANNELS = (1, 3)
SPLIT_SEED = 0  # of the permutation that chooses test rows; part of what the datasets are


def checked_rows(values: Tensor, name: str, *, bounded: bool = True) -> tuple[Tensor, float]:
    """Values as rows [N, C, H, W] or [N, D], and the scale that brings them into [0, 1].

    values:   uint8 0..255 or floats 0..1: [N, C, H, W], [N, H, W, C], [N, H, W] or [N, D]
    name:     what to call them in an error
    bounded:  vectors must lie in [0, 1] too; False: any finite number

    Four axes are channels first when the second one has 1 or 3 entries, else channels last.

    Raises:  ConfigError for another shape or type, and naming the first row that is not finite or in range
    """
    if values.dtype == torch.bool:
        values = values.to(torch.uint8) * 255
    rows = _channels_first(values, name)
    if rows.dtype == torch.uint8:
        return rows.contiguous(), 1 / 255
    if not rows.dtype.is_floating_point:
        raise ConfigError(
            f"{name} holds {rows.dtype}, which is neither uint8 nor float".replace("torch.", ""),
            where=name,
            fix="give uint8 values of 0 to 255 or floats of 0 to 1",
        )
    rows = rows.float().contiguous()
    _check_values(rows, name, bounded=bounded or rows.dim() == 4)
    return rows, 1.0


def as_tensor(array: np.ndarray, name: str) -> Tensor:
    """A copy of an array as a tensor.

    Raises:  ConfigError for anything but numbers, such as strings or objects
    """
    array = np.asarray(array)  # whatever lies in a file of arrays
    if array.dtype.kind not in "buif":
        raise ConfigError(
            f"{name} holds {array.dtype}, which is no kind of number",
            where=name,
            fix="give uint8 values of 0 to 255 or floats of 0 to 1",
        )
    return torch.from_numpy(_native(array))


def _native(array: np.ndarray) -> np.ndarray:
    """A copy in this machine's byte order; of longer floats than torch has, the nearest float64."""
    dtype = np.dtype("f8") if array.dtype.kind == "f" and array.dtype.itemsize > 8 else array.dtype
    with np.errstate(over="ignore"):  # what becomes infinite is refused with its row
        return np.array(array, dtype=dtype.newbyteorder("="))


def split_rows(rows: int, share: float) -> tuple[Tensor, Tensor]:
    """Numbers of the train and the test rows, each ascending; the choice depends on nothing but N and share.

    Raises:  ConfigError when a part would be empty
    """
    count = max(1, round(rows * share))
    if rows - count < 1:
        raise ConfigError(
            f"{rows} rows cannot be parted into train and test with a test share of {share}",
            where="dataset.test",
            fix="give more rows, or a smaller share",
        )
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(SPLIT_SEED))
    return order[count:].sort().values, order[:count].sort().values


def with_validation(train: Split, rows: int) -> tuple[Split, Split | None]:
    """The train part without its last rows, and these as the validation part; None for 0 rows.

    Raises:  ConfigError when nothing would be left to train on
    """
    if rows == 0:
        return train, None
    if rows >= len(train):
        raise ConfigError(
            f"{rows} validation rows leave none of {len(train)} to train on",
            where="dataset.validation",
            fix=f"set dataset.validation below {len(train)}",
        )
    return part(train, slice(0, len(train) - rows)), part(train, slice(len(train) - rows, len(train)))


def part(split: Split, index: slice | Tensor) -> Split:
    """Some rows of a split that is in memory, with what is known of them."""
    values, labels, attributes = split.values, split.labels, split.attributes
    return Split(
        values[index],
        None if labels is None else labels[index],
        None if attributes is None else attributes[index],
    )


def checked_labels(labels: np.ndarray | Tensor, rows: int, name: str) -> Tensor:
    """Classes as int64 [N].

    Raises:  ConfigError when they are no whole numbers from 0 on, or not one for each row
    """
    found = np.asarray(labels)
    if found.shape != (rows,) or found.dtype.kind not in "bui":
        raise ConfigError(
            f"{name} are {found.dtype} of shape {found.shape}; {rows} rows need as many whole numbers",
            where=name,
            fix=f"give integers of shape ({rows},), or leave labels out",
        )
    for number in (int(found.min()), int(found.max())) if rows else ():
        if not 0 <= number < 1 << 63:
            raise ConfigError(
                f"{name} hold {number}: classes are counted from 0", where=name, fix="number them from 0"
            )
    return torch.from_numpy(found.astype(np.int64))


def class_names(*labels: Tensor | None) -> tuple[str, ...]:
    """Names 0, 1, ... up to the largest class."""
    largest = max((int(found.max()) for found in labels if found is not None and len(found)), default=-1)
    return tuple(str(number) for number in range(largest + 1))


def counted_classes(labels: Sequence[Tensor | None]) -> tuple[list[Tensor | None], tuple[str, ...]]:
    """The labels of all splits as numbers of classes, and the names of the classes.

    Numbers up to that of all rows are what they are. Larger ones only tell classes apart, as 10000000 does:
    classes are then counted in their order, and called by the numbers that they had.
    """
    known = [found for found in labels if found is not None and len(found)]
    if all(int(found.max()) < sum(map(len, known)) for found in known):
        return list(labels), class_names(*labels)
    numbers = torch.cat(known).unique()  # ascending
    return [None if found is None else torch.searchsorted(numbers, found) for found in labels], tuple(
        str(number) for number in numbers.tolist()
    )


def _channels_first(values: Tensor, name: str) -> Tensor:
    shape = tuple(values.shape)
    if 0 not in shape:
        if len(shape) == 2 or (len(shape) == 4 and shape[1] in CHANNELS):
            return values
        if len(shape) == 3:
            return values[:, None]
        if len(shape) == 4 and shape[3] in CHANNELS:
            return values.permute(0, 3, 1, 2)
    raise ConfigError(
        f"{name} has the shape {shape}, which is neither images nor vectors",
        where=name,
        fix="give [N, C, H, W] or [N, H, W, C] with 1 or 3 channels, [N, H, W] or [N, D], with no axis empty",
    )


def _check_values(rows: Tensor, name: str, *, bounded: bool) -> None:
    """Row by row in pieces: no copy as large as the rows."""
    first = 0
    for chunk in rows.split(4096):
        flat = chunk.flatten(1)
        wrong = ~torch.isfinite(flat)
        if bounded:
            wrong |= (flat < 0) | (flat > 1)
        bad = wrong.any(1).nonzero()
        if len(bad):
            row = int(bad[0])
            value = float(flat[row][wrong[row]][0])
            raise _value_error(name, first + row, value, vectors=rows.dim() == 2)
        first += len(chunk)


def _value_error(name: str, row: int, value: float, *, vectors: bool) -> ConfigError:
    if not math.isfinite(value):
        return ConfigError(
            f"row {row} of {name} holds {value}", where=name, fix="leave such rows out, or mend their values"
        )
    wide = "; vectors of any range are taken with dataset.bounded = false" if vectors else ""
    return ConfigError(
        f"row {row} of {name} holds {value:g}, which is outside 0..1",
        where=name,
        fix=f"scale the values to 0..1, or give uint8 of 0 to 255{wide}",
    )
