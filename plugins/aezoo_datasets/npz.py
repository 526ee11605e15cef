"""Arrays of the user's own, in one NumPy file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, final

import numpy as np
from pydantic import Field
from torch import Tensor

from aezoo.api import (
    ConfigError,
    Data,
    MissingError,
    Split,
    as_tensor,
    checked_labels,
    checked_rows,
    counted_classes,
    part,
    split_rows,
    with_validation,
)
from aezoo_datasets.settings import Flip

KEYS = {  # where rows may stand, and the classes beside them
    "train": ("train_labels", "labels_train"),
    "validation": ("validation_labels", "labels_validation"),
    "test": ("test_labels", "labels_test"),
    "x": ("labels", "y"),
}


@final
class Npz:
    """Images or vectors from an .npz; nothing in it is ever unpickled."""

    def __init__(
        self,
        path: Annotated[
            str, Field(min_length=1, description="the .npz file, with `x`, or with `train` and `test`")
        ],
        test: Annotated[
            float, Field(gt=0, lt=1, description="share of `x` that is the test part, (0, 1)")
        ] = 0.1,
        validation: Annotated[
            int, Field(ge=0, description="rows from the end of the train part for validation")
        ] = 0,
        bounded: Annotated[bool, Field(description="vectors lie in 0..1; false: any finite numbers")] = True,
        flip: Flip = False,
    ) -> None:
        self.path = Path(path).expanduser()
        self.test, self.validation, self.bounded, self.flip = test, validation, bounded, flip

    def load(self) -> Data:
        """All rows.

        Raises:  MissingError when there is no such file; ConfigError for arrays that cannot be trained on
        """
        arrays = _arrays(self.path)
        train, test, scale = self._parts(arrays)
        if "validation" in arrays:
            valid, other = self._split(arrays, "validation")
            self._check_alike("validation", (train, scale), (valid, other))
            validation: Split | None = valid
        else:
            train, validation = with_validation(train, self.validation)
        shape = tuple(train.values[:1].shape[1:])
        if self.flip and len(shape) != 3:
            raise ConfigError(
                f"the rows of {self.path} are vectors of {shape[0]} numbers, which cannot be mirrored",
                where="dataset.flip",
                fix="leave dataset.flip out",
            )
        whole = scale != 1.0  # uint8
        splits = [split for split in (train, test, validation) if split is not None]
        labels, classes = counted_classes([split.labels for split in splits])
        train, test, *others = (replace(split, labels=own) for split, own in zip(splits, labels, strict=True))
        return Data(
            name="npz",
            shape=shape,
            range=(0.0, 1.0) if self.bounded or whole or len(shape) == 3 else None,
            train=train,
            validation=others[0] if others else None,
            test=test,
            scale=scale,
            classes=classes,
            flip=self.flip,
        )

    def _parts(self, arrays: Mapping[str, np.ndarray]) -> tuple[Split, Split, float]:
        """Train and test part as the file has them, or parted here."""
        if "train" not in arrays or "test" not in arrays:
            found, scale = self._split(arrays, "x" if "x" in arrays else "train")
            train, test = split_rows(len(found), self.test)
            return part(found, train), part(found, test), scale
        first, scale = self._split(arrays, "train")
        second, other = self._split(arrays, "test")
        self._check_alike("test", (first, scale), (second, other))
        return first, second, scale

    def _check_alike(self, key: str, first: tuple[Split, float], second: tuple[Split, float]) -> None:
        shapes = [tuple(split.values[:1].shape[1:]) for split, _ in (first, second)]
        if shapes[0] != shapes[1] or first[1] != second[1]:
            raise ConfigError(
                f"{self.path}: train has rows of shape {shapes[0]}, {key} of {shapes[1]}, or of another type",
                where="dataset.path",
                fix="write both with one shape and one type",
            )

    def _contents(self) -> str:
        """Names of all arrays in the file, also of those that are not read."""
        with zipfile.ZipFile(self.path) as file:
            return ", ".join(name.removesuffix(".npy") for name in file.namelist())

    def _split(self, arrays: Mapping[str, np.ndarray], key: str) -> tuple[Split, float]:
        if key not in arrays:
            raise ConfigError(
                f"{self.path} holds {self._contents() or 'nothing'}, but no `x`, nor `train` and `test`",
                where="dataset.path",
                fix="write it with np.savez(path, x=images)",
            )
        values, scale = checked_rows(
            as_tensor(arrays[key], f"{self.path}: {key}"), f"{self.path}: {key}", bounded=self.bounded
        )
        return Split(values, self._labels(arrays, key, len(values))), scale

    def _labels(self, arrays: Mapping[str, np.ndarray], key: str, rows: int) -> Tensor | None:
        names = [name for name in KEYS[key] if name in arrays]
        if not names:
            return None
        return checked_labels(arrays[names[0]], rows, f"{self.path}: {names[0]}")


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays that are known by name."""
    known = {*KEYS, *(name for names in KEYS.values() for name in names)}
    try:
        with path.open("rb") as opened:
            if not zipfile.is_zipfile(opened):  # asked first: numpy would say how to unpickle it
                raise ValueError("it is no .npz, or is cut off")
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as file:
                return {name: file[name] for name in file.files if name in known}
    except FileNotFoundError as err:
        raise MissingError(
            f"there is no file {path.absolute()}", where="dataset.path", fix="check npz:PATH"
        ) from err
    except Exception as err:  # numpy evaluates headers as Python; mangled ones raise nearly anything
        raise ConfigError(
            f"{path} cannot be read: {err}",
            where="dataset.path",
            fix="write it with np.savez(path, x=images)",
        ) from err
