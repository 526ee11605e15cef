"""CIFAR-10: 50,000 train and 10,000 test photographs of 32x32, RGB, ten classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, final

import torch
from pydantic import Field

from aezoo.api import ConfigError, Data, Split, with_validation
from aezoo_datasets.places import fetch, folder, missing, untar
from aezoo_datasets.resizing import resize
from aezoo_datasets.settings import Download, Root, Validation

INNER = "cifar-10-batches-py"  # of the Python version of the set, unpacked
PACKED = "cifar-10-python.tar.gz"


@final
class CIFAR10:
    """Krizhevsky's labelled part of the Tiny Images."""

    def __init__(
        self,
        root: Root = "",
        download: Download = False,
        validation: Validation = 0,
        image_size: Annotated[
            int | None, Field(ge=1, description="side to resize to, pixels; none: 32x32 as they are")
        ] = None,
    ) -> None:
        self.root, self.download = folder(root), download
        self.validation, self.image_size = validation, image_size

    def load(self) -> Data:
        """Both official parts. Raises MissingError when the files are not there."""
        from torchvision.datasets import CIFAR10 as source  # slow to import, needed here alone

        first, second = self._open(source)
        train, validation = with_validation(self._part(first), self.validation)
        test = self._part(second)
        return Data(
            name="cifar10",
            shape=tuple(test.values[:1].shape[1:]),
            range=(0.0, 1.0),
            train=train,
            validation=validation,
            test=test,
            scale=1 / 255,
            classes=tuple(first.classes),
        )

    def _open(self, source: Any) -> list[Any]:
        """torchvision's train and test part."""
        if (self.root / INNER).is_dir():
            return _read(source, self.root)
        if (self.root / PACKED).is_file():
            return _read(source, untar(self.root / PACKED))
        if not self.download:
            raise missing("cifar10", self.root, f"{INNER}/")
        found: list[Any] = fetch(
            "cifar10",
            self.root,
            lambda: [source(self.root, train=train, download=True) for train in (True, False)],
        )
        return found

    def _part(self, rows: Any) -> Split:
        values = torch.from_numpy(rows.data).permute(0, 3, 1, 2).contiguous()  # uint8 [N, 3, 32, 32]
        return Split(resize(values, self.image_size), torch.tensor(rows.targets))


def _read(source: Any, root: Path) -> list[Any]:
    try:
        return [source(root, train=train, download=False) for train in (True, False)]
    except (OSError, RuntimeError, EOFError) as err:  # torchvision checks each file's md5
        raise ConfigError(
            f"{root / INNER} is incomplete or damaged: {err}",
            where=str(root),
            fix="put intact files in their place, or empty that folder and use --download",
        ) from err
