"""Images, vectors and figures as files: a picture, an npz, or a directory of pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from aezoo.drawing import pictures
from aezoo.errors import ConfigError
from aezoo.files import make_directory, write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Range = tuple[float, float] | None


def write_rows(path: Path, x: Tensor, range: Range) -> None:
    """x [N, *shape] as one grid (.png), as `x` in an .npz, or as one PNG each in a directory.

    Raises:  ConfigError for another ending, a directory that is not empty, vectors asked for as pictures
    """
    make_directory(path.parent)
    match path.suffix:
        case ".npz":
            write_arrays(path, x=x)
        case ".png":
            write_bytes(path, pictures.png(pictures.grid(x, range=_image_range(path, x, range))))
        case "":
            bounds = _image_range(path, x, range)
            if path.is_dir() and any(path.iterdir()):  # a user's own pictures may have the same numbers
                raise ConfigError(
                    f"the directory {path} is not empty",
                    where="--out",
                    fix="name a new directory, or empty this one",
                )
            make_directory(path)
            digits = len(str(len(x) - 1))
            for number, image in enumerate(x):
                single = pictures.plain(image, range=bounds)
                write_bytes(path / f"{number:0{digits}d}.png", pictures.png(single))
        case ending:
            raise ConfigError(
                f"cannot write samples as '{ending}'",
                where="--out",
                fix="end it in .png or .npz, or name a directory",
            )


def write_pairs(path: Path, x: Tensor, x_hat: Tensor, range: Range) -> None:
    """x [N, *shape] above x_hat, as one picture (.png), or both in an .npz.

    Raises:  ConfigError for another ending, and for vectors asked for as a picture
    """
    make_directory(path.parent)
    match path.suffix:
        case ".npz":
            write_arrays(path, x=x, x_hat=x_hat)
        case ".png":
            write_bytes(path, pictures.png(pictures.pairs(x, x_hat, range=_image_range(path, x, range))))
        case ending:
            raise ConfigError(
                f"cannot write pairs as '{ending}'", where="--out", fix="end it in .png or .npz"
            )


def write_found(path: Path, draw: Callable[[], Figure], found: Mapping[str, object]) -> None:
    """What was found as a figure (.png, .svg), or its tensors (.npz); `check_ending` has seen the path."""
    make_directory(path.parent)
    if path.suffix == ".npz":
        write_arrays(path, **{name: value for name, value in found.items() if isinstance(value, Tensor)})
    elif path.suffix == ".svg":
        write_bytes(path, pictures.svg(draw()))
    else:
        write_bytes(path, pictures.png(draw()))


def check_ending(path: Path, *endings: str, shape: tuple[int, ...] | None = None) -> None:
    """The door for a path to be written to, before anything is computed.

    shape:  of a row that is to be seen as a picture

    Raises:  ConfigError for another ending, and for vectors that are asked for as pictures
    """
    if path.suffix not in endings:
        raise ConfigError(
            f"cannot write this as '{path.suffix or path.name}'",
            where="--out",
            fix=f"end it in {' or '.join(endings)}",
        )
    if shape is not None and len(shape) != 3 and path.suffix != ".npz":
        raise _no_images(path, shape)


def write_arrays(path: Path, **tensors: Tensor) -> None:
    """Tensors as arrays of an .npz, by name: whole numbers as they are, others as float32."""
    buffer = io.BytesIO()
    arrays = {name: _array(tensor.detach().cpu()) for name, tensor in tensors.items()}
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes a bool for any keyword
    write_bytes(path, buffer.getvalue())


def _array(tensor: Tensor) -> np.ndarray:
    return (tensor.float() if tensor.dtype.is_floating_point else tensor).numpy()


def _image_range(path: Path, x: Tensor, range: Range) -> tuple[float, float]:
    if x.dim() != 4 or range is None:
        raise _no_images(path, x.shape[1:])
    return range


def _no_images(path: Path, shape: tuple[int, ...]) -> ConfigError:
    return ConfigError(
        f"rows of shape {tuple(shape)} are no images, so {path} cannot show them",
        where="--out",
        fix="write them to an .npz file",
    )
