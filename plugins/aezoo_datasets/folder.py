"""Image files of the user's own, under one directory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import Tensor

from aezoo.api import ConfigError, Data, MissingError, Split, print_warning, split_rows
from aezoo_datasets.images import ENDINGS, Header, ImageFiles, Reader, header, used_bits
from aezoo_datasets.settings import Flip, SkipBadImages

LOOKED_AT = 16  # files of 16 bits, for the values they hold


@final
class Folder:
    """All images below a directory, sorted by path; where all lie in subdirectories, these are classes.

    Which images are the test part depends on their number and the share alone.
    """

    def __init__(
        self,
        path: Annotated[
            str,
            Field(min_length=1, description="the directory; images in directories below it count too"),
        ],
        image_size: Annotated[
            int,
            Field(
                ge=0,
                description="side, pixels: the shorter side is resized to it, antialiased, then the centre "
                "is cut out; 0: as they are, when all have one size",
            ),
        ] = 64,
        channels: Annotated[
            Literal["auto", 1, 3], Field(description="1: grey, 3: RGB; auto: what all files are")
        ] = "auto",
        background: Annotated[
            Literal["white", "black"], Field(description="what shows where an image is transparent")
        ] = "white",
        bits: Annotated[
            int,
            Field(
                ge=0,
                le=16,
                description="of a grey value in files of 16 bits, such as 12 where a camera gives 0 to 4095; "
                "0: all 16",
            ),
        ] = 0,
        flip: Flip = False,
        test: Annotated[
            float, Field(gt=0, lt=1, description="share of the images that is the test part, (0, 1)")
        ] = 0.1,
        validation: Annotated[
            int, Field(ge=0, description="images from the end of the train part for validation")
        ] = 0,
        skip_bad_images: SkipBadImages = False,
    ) -> None:
        self.path = Path(path).expanduser()
        self.image_size, self.channels, self.flip = image_size, channels, flip
        self.background, self.bits = background, bits
        self.test, self.validation, self.skip = test, validation, skip_bad_images

    def load(self) -> Data:
        """All files opened, none decoded yet, unless bad ones are to be skipped.

        Raises:  MissingError when there is no such directory; ConfigError when it holds no images, or naming
                 a file that cannot be used
        """
        names = sorted(_find(self.path))
        if not names:
            raise self._empty("it holds no image files")
        names, headers = self._read_headers(names)
        self._look_for_dark_files(names, headers)
        reader = Reader(
            self._channels(names, headers), self.image_size, background=self.background, bits=self.bits
        )
        shape = (reader.channels, *self._size(names, headers))
        if self.skip:
            names = self._decodable(names, reader)
        files = ImageFiles(self.path, names, reader)
        return self._data(files, shape)

    def _data(self, files: ImageFiles, shape: tuple[int, ...]) -> Data:
        train, test = split_rows(len(files), self.test)
        count = len(train) - self.validation
        if count < 1:
            raise ConfigError(
                f"{self.validation} validation images leave none of {len(train)} to train on",
                where="dataset.validation",
                fix=f"set dataset.validation below {len(train)}",
            )
        labels, classes = _classes(files.names)

        def split(rows: Tensor) -> Split:
            return Split(files.part(rows.tolist()), None if labels is None else labels[rows])

        return Data(
            name="folder",
            shape=shape,
            range=(0.0, 1.0),
            train=split(train[:count]),
            validation=split(train[count:]) if self.validation else None,
            test=split(test),
            scale=1 / 255,
            classes=classes,
            flip=self.flip,
        )

    def _read_headers(self, names: Sequence[str]) -> tuple[list[str], list[Header]]:
        """The files that begin as images do, and what their heads say."""
        good: list[str] = []
        headers: list[Header] = []
        for name in names:
            try:
                headers.append(header(self.path / name))
                good.append(name)
            except ConfigError as err:
                if not self.skip:
                    raise
                _say_skipped(err)
        self._check_left(good, names)
        return good, headers

    def _decodable(self, names: Sequence[str], reader: Reader) -> list[str]:
        """The files that can be decoded to their end."""
        good: list[str] = []
        for name in names:
            try:
                reader(self.path / name)
                good.append(name)
            except ConfigError as err:
                _say_skipped(err)
        self._check_left(good, names)
        return good

    def _check_left(self, good: Sequence[str], names: Sequence[str]) -> None:
        if not good:
            raise self._empty(f"none of its {len(names)} image files can be read")
        if len(good) < len(names):
            print_warning(f"{len(names) - len(good)} of {len(names)} image files are skipped")

    def _look_for_dark_files(self, names: Sequence[str], headers: Sequence[Header]) -> None:
        """Say where files of 16 bits use fewer: cameras of 12 bits write such, and no head says it."""
        deep = [name for name, one in zip(names, headers, strict=True) if one.bits == 16]
        if not deep or self.bits:
            return
        used = 0
        with suppress(ConfigError):  # a damaged file is told where it is read
            used = max(used_bits(self.path / name) for name in deep[:LOOKED_AT])
        if 8 < used < 14:
            print_warning(
                f"{deep[0]} and others of 16 bits hold values of {used} bits, and come out dark: "
                f"--set dataset.bits={used} where that is their range"
            )

    def _channels(self, names: Sequence[str], headers: Sequence[Header]) -> int:
        if self.channels != "auto":
            return self.channels
        kinds = {
            one.grey: name for name, one in reversed([*zip(names, headers, strict=True)])
        }  # first of each
        if len(kinds) == 2:
            raise ConfigError(
                f"{self.path / kinds[True]} is grey and {self.path / kinds[False]} is not",
                where="dataset.channels",
                fix="choose for all: --set dataset.channels=1 (grey) or --set dataset.channels=3 (RGB)",
            )
        return 1 if True in kinds else 3

    def _size(self, names: Sequence[str], headers: Sequence[Header]) -> tuple[int, int]:
        """Height and width of every row."""
        if self.image_size:
            return self.image_size, self.image_size
        sizes = {one.size: name for name, one in reversed([*zip(names, headers, strict=True)])}
        if len(sizes) > 1:
            (one, first), (other, second) = list(sizes.items())[:2]
            raise ConfigError(
                f"{self.path / first} is {one[0]}x{one[1]}, but {self.path / second} {other[0]}x{other[1]}",
                where="dataset.image_size",
                fix="bring them to one size: --image-size 64",
            )
        ((width, height),) = sizes
        return height, width

    def _empty(self, why: str) -> ConfigError:
        return ConfigError(
            f"{self.path} cannot be trained on: {why}",
            where="dataset.path",
            fix="name a directory with images: " + " ".join(ending[1:] for ending in ENDINGS),
        )


def _find(root: Path) -> Iterator[str]:
    """Names of image files below a directory, relative to it, hidden ones left out."""
    if not root.exists():
        raise MissingError(
            f"there is no directory {root.absolute()}", where="dataset.path", fix="check folder:PATH"
        )
    if not root.is_dir():
        raise ConfigError(f"{root} is no directory", where="dataset.path", fix="name the directory around it")
    for place, inner, files in os.walk(root, onerror=_refuse):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in files:
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield str(Path(place, name).relative_to(root))


def _refuse(err: OSError) -> None:
    raise ConfigError(
        f"{err.filename} cannot be read: {err.strerror}", where="dataset.path", fix="mend its permissions"
    ) from err


def _say_skipped(err: ConfigError) -> None:
    print_warning(f"skipped: {err.what}")


def _classes(names: Sequence[str]) -> tuple[Tensor | None, tuple[str, ...]]:
    """The first directory of each path as its class, where all have one and there are several."""
    tops = [Path(name).parts[0] for name in names if len(Path(name).parts) > 1]
    classes = tuple(sorted(set(tops)))
    if len(tops) < len(names) or len(classes) < 2:
        return None, ()
    numbers = {name: number for number, name in enumerate(classes)}
    return torch.tensor([numbers[top] for top in tops]), classes
