"""MNIST and Fashion-MNIST: 60,000 train and 10,000 test images of 28x28, grey, ten classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, final

import torch
from pydantic import Field
from torch import Tensor

from aezoo.api import ConfigError, Data, Split, with_validation
from aezoo_datasets.places import fetch, folder, missing, unpack
from aezoo_datasets.resizing import resize
from aezoo_datasets.settings import Download, Root, Validation

FILES = tuple(
    f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
)
CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class _Idx:
    """A set in MNIST's file format."""

    def __init__(
        self,
        root: Root = "",
        download: Download = False,
        validation: Validation = 0,
        image_size: Annotated[
            int | None, Field(ge=1, description="side to resize to, pixels; none: 28x28 as they are")
        ] = None,
        binary: Annotated[
            bool, Field(description="black and white: 1 where a pixel is at least one half, else 0")
        ] = False,
    ) -> None:
        self.root, self.download, self.validation = root, download, validation
        self.image_size, self.binary = image_size, binary

    def _load(self, name: str, source: Any, classes: tuple[str, ...]) -> Data:
        train, test = (self._part(part) for part in _read(name, source, folder(self.root), self.download))
        train, validation = with_validation(train, self.validation)
        return Data(
            name=name,
            shape=tuple(test.values[:1].shape[1:]),
            range=(0.0, 1.0),
            train=train,
            validation=validation,
            test=test,
            scale=1.0 if self.binary else 1 / 255,
            classes=classes,
        )

    def _part(self, rows: tuple[Tensor, Tensor]) -> Split:
        images, labels = rows
        values = resize(images[:, None], self.image_size)
        return Split((values >= 128).byte() if self.binary else values, labels.long())


@final
class MNIST(_Idx):
    """LeCun, Cortes and Burges' handwritten digits."""

    def load(self) -> Data:
        """Both official parts. Raises MissingError when the files are not there."""
        from torchvision.datasets import MNIST as source  # slow to import, needed here alone

        return self._load("mnist", source, tuple("0123456789"))


@final
class FashionMNIST(_Idx):
    """Zalando's pictures of clothes."""

    def load(self) -> Data:
        """Both official parts. Raises MissingError when the files are not there."""
        from torchvision.datasets import FashionMNIST as source

        return self._load("fashion-mnist", source, CLOTHES)


def _read(name: str, source: Any, root: Path, download: bool) -> list[tuple[Tensor, Tensor]]:
    """Images uint8 [N, 28, 28] and labels of the train and the test part."""
    home = _home(name, source.__name__, root, download)
    if home is None:
        parts = fetch(
            name, root, lambda: [source(root, train=train, download=True) for train in (True, False)]
        )
    else:
        parts = [_open(source, home, train) for train in (True, False)]
    return [(part.data.to(torch.uint8), part.targets) for part in parts]


def _home(name: str, kind: str, root: Path, download: bool) -> Path | None:
    """The folder to give to torchvision: root, or the cache where root has only .gz; None: to be fetched."""
    inner = f"{kind}/raw"
    if all((root / inner / file).is_file() for file in FILES):
        return root
    packed = [root / inner / f"{file}.gz" for file in FILES]
    absent = [file for file in packed if not file.is_file()]
    if not absent:
        return unpack(packed, inner)
    if download:
        return None
    raise missing(name, root, f"{inner}/{absent[0].name}")


def _open(source: Any, home: Path, train: bool) -> Any:
    try:
        return source(home, train=train, download=False)
    except (OSError, RuntimeError, ValueError, AssertionError, IndexError) as err:
        raise ConfigError(
            f"{source.__name__} in {home} cannot be read: {err}",
            where=str(home),
            fix="put intact files in their place",
        ) from err
