"""Image files as rows: opened when they are asked for, cropped at the centre, resized, as uint8."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

import numpy as np
import torch
from torch import Tensor

from aezoo.api import ConfigError

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # of those endings: others start programs
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")  # PIL's modes without colour
Box = tuple[int, int, int, int]
Background = Literal["white", "black"]


@dataclass(frozen=True)
class Header:
    """What a file's head says: width and height once upright, whether it is grey, bits of a value."""

    size: tuple[int, int]
    grey: bool
    bits: int


@dataclass(frozen=True)
class Reader:
    """How a file becomes a row.

    channels:    1 or 3
    side:        the shorter side is resized to it, then the centre is cut out, pixels; 0: as the file is
    box:         left, top, right, bottom of what is cut out first; None: nothing
    background:  what shows where an image is transparent
    bits:        of a grey value in files of 16 bits; 0: all 16
    """

    channels: int
    side: int
    box: Box | None = None
    background: Background = "white"
    bits: int = 0

    def __call__(self, path: Path) -> np.ndarray:
        """uint8 [C, H, W]. Raises ConfigError naming a file that cannot be decoded."""
        with _faults(path):
            return self._decode(path)

    def _decode(self, path: Path) -> np.ndarray:
        from PIL.Image import Resampling

        with _open(path) as file:
            image = _opaque(_shallow(file, _upright(file), self.bits), self.background)
            mode = "L" if self.channels == 1 else "RGB"
            image = image if image.mode == mode else image.convert(mode)
            image = image.crop(self.box) if self.box else image
            if self.side:  # in one step what a resize of the shorter side and a centre crop would do in two
                size = (self.side, self.side)
                image = image.resize(size, Resampling.BILINEAR, box=_square(image.size))
            pixels = np.asarray(image)
        return pixels[None] if self.channels == 1 else pixels.transpose(2, 0, 1)


@final
class ImageFiles:
    """Rows [N, C, H, W] of uint8, read from their files each time they are asked for."""

    def __init__(self, root: Path, names: Sequence[str], reader: Reader) -> None:
        self.root, self.names, self.reader = root, tuple(names), reader

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        chosen = self.names[index] if isinstance(index, slice) else [self.names[i] for i in index.tolist()]
        return torch.from_numpy(np.stack([self.reader(self.root / name) for name in chosen]))

    def split(self, size: int) -> Iterator[Tensor]:
        for first in range(0, len(self), size):
            yield self[first : first + size]

    def part(self, index: Sequence[int]) -> ImageFiles:
        """Some of the files."""
        return ImageFiles(self.root, [self.names[i] for i in index], self.reader)


def header(path: Path) -> Header:
    """A file's size and kind. Raises ConfigError naming a file that is no image, or too large to decode."""
    with _faults(path), _open(path) as file:
        turned = file.getexif().get(_ORIENTATION, 1) >= 5
        size = (file.height, file.width) if turned else file.size
        return Header(size, _is_grey(file), _bits(file))


def used_bits(path: Path) -> int:
    """How many bits the largest grey value of a file of 16 bits needs."""
    with _faults(path), _open(path) as file:
        return 16 if file.format == "PPM" else int(np.asarray(file).max()).bit_length()


_ORIENTATION = 0x0112  # the EXIF tag; values from 5 on swap width and height


class _Unreadable(Exception):
    """A file that is whole, and yet gives no row: what is said after its name."""


class _faults:
    """Turns what PIL says of a bad file into a ConfigError that names it; PIL's limit on pixels holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        from PIL import Image

        self._warnings.__enter__()
        warnings.simplefilter("ignore")  # such as strange EXIF data
        warnings.simplefilter("error", Image.DecompressionBombWarning)

    def __exit__(self, kind: object, err: BaseException | None, trace: object) -> None:
        from PIL import Image

        self._warnings.__exit__(None, None, None)
        bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
        bad = (OSError, SyntaxError, ValueError, TypeError, EOFError, OverflowError, IndexError, struct.error)
        if isinstance(err, _Unreadable):
            raise bad_image(self._path, str(err)) from err
        if isinstance(err, bombs):
            raise bad_image(self._path, f"has more pixels than can be decoded safely ({err})") from err
        if isinstance(err, PermissionError):
            raise bad_image(self._path, "cannot be read: permission denied") from err
        if isinstance(err, FileNotFoundError):
            raise bad_image(self._path, "is no longer there") from err
        if isinstance(err, bad):
            raise bad_image(self._path, f"is no whole image: {err}") from err


def bad_image(path: Path, fault: str) -> ConfigError:
    """The error for a file that gives no row."""
    return ConfigError(
        f"{path} {fault}",
        where=str(path),
        fix="mend it or take it away; --skip-bad-images goes on without such files",
    )


def _open(path: Path) -> Image:
    """The file as an image, of a format that its ending may stand for."""
    from PIL import Image as pillow

    if path.exists() and not path.is_file():  # a pipe would wait for a writer for ever
        raise _Unreadable("is no regular file")
    return pillow.open(path, formats=FORMATS)


def _upright(file: Image) -> Image:
    """The first frame, turned as its camera says."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(file)


def _bits(file: Image) -> int:
    """Of a value, as the file says. Of colours PIL keeps the upper 8 by itself."""
    if file.mode == "F":
        raise _Unreadable(
            "has pixels of 32-bit floats, whose range it does not say: save it with 8 or 16 bits"
        )
    if not file.mode.startswith("I"):
        return 8
    if file.mode == "I" and file.format not in ("PNG", "PPM"):
        raise _Unreadable(
            "has pixels of signed or 32-bit integers, whose range it does not say: save it with 8 or 16 bits"
        )
    return int(_tag(file, _BITS_PER_SAMPLE, 16))


_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # of TIFF


def _tag(file: Image, number: int, otherwise: int) -> int:
    found = getattr(file, "tag_v2", {}).get(number, otherwise)
    return int(found[0] if isinstance(found, tuple) else found)


def _shallow(file: Image, image: Image, bits: int) -> Image:
    """The upright image with 8 bits a channel, scaled by its whole range: PIL would cut off all above 255."""
    from PIL import Image as pillow

    said = _bits(file)
    if said == 8:
        return image
    if "transparency" in file.info:
        raise _Unreadable("has 16 bits and a transparent grey: save it with 8 bits")
    exact = file.format == "PPM" or said < 16  # PIL has scaled a PPM to 16 bits by its own largest value
    peak = 2 ** (said if exact or not bits else bits) - 1
    deep = np.asarray(image).astype(np.int64)
    if deep.max() > peak:
        raise _Unreadable(f"has grey values up to {deep.max()}, more than dataset.bits={bits} allows")
    if _tag(file, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        deep = peak - deep
    return pillow.fromarray(((deep * 255 + peak // 2) // peak).astype(np.uint8))


def _opaque(image: Image, background: Background) -> Image:
    """The image on the background, where it has any transparency."""
    from PIL import Image as pillow

    if not image.has_transparency_data:
        return image
    above = image.convert("RGBA")
    return pillow.alpha_composite(pillow.new("RGBA", image.size, background), above).convert("RGB")


def _is_grey(file: Image) -> bool:
    if file.mode == "P" and file.palette is not None:  # a palette of greys, as in most grey GIFs
        colours = np.frombuffer(file.palette.getdata()[1], np.uint8).reshape(-1, len(file.palette.mode))[
            :, :3
        ]
        return bool((colours == colours[:, :1]).all())
    return file.mode in GREY


def _square(size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest square in the middle."""
    width, height = size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side
