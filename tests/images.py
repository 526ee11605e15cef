"""Made-up images, their files, and where real ones lie."""

import gzip
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

SHARED = Path(__file__).parents[2] / "shared" / "data"  # beside the repository, where there is one


def needs(*names: str) -> pytest.MarkDecorator:
    absent = [name for name in names if not (SHARED / name).exists()]
    return pytest.mark.skipif(bool(absent), reason=f"../shared/data has no {', '.join(absent)}")


def idx_images(root: Path, part: str) -> torch.Tensor:
    """Images [N, D] as bytes, out of a file of MNIST's format."""
    content = gzip.decompress((root / "raw" / f"{part}-images-idx3-ubyte.gz").read_bytes())
    count = struct.unpack(">4i", content[:16])[1]
    return torch.frombuffer(bytearray(content[16:]), dtype=torch.uint8).view(count, -1)


def cifar10_images(name: str) -> np.ndarray:
    """[10000, 32, 32, 3], out of one picture of them all."""
    whole = np.asarray(Image.open(SHARED / "cifar10" / f"{name}.webp").convert("RGB"))
    return whole.reshape(100, 32, 100, 32, 3).transpose(0, 2, 1, 3, 4).reshape(10_000, 32, 32, 3)


def listing(folder: Path) -> list[tuple[str, int]]:
    """Every path of a folder, and when it was changed."""
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def ramp(*shape: int) -> torch.Tensor:
    """One image [1, *shape]: 0/255, 1/255, ... and over again."""
    return (torch.arange(math.prod(shape)) % 256).view(1, *shape) / 255


def picture(number: int, size: tuple[int, int] = (20, 16), mode: str = "RGB") -> Image.Image:
    """A ramp whose slope depends on the number; size is width, height."""
    width, height = size
    ramp = (np.arange(height)[:, None] * 7 + np.arange(width)[None] * (3 + number % 5) + 11 * number) % 256
    grey = Image.fromarray(ramp.astype(np.uint8))
    return grey if mode == "L" else Image.merge("RGB", (grey, grey.rotate(180), grey)).convert(mode)


def write_folder(root: Path, count: int = 12, mode: str = "RGB", size: tuple[int, int] = (20, 16)) -> Path:
    """Numbered PNG files, half of them one directory down."""
    (root / "more").mkdir(parents=True)
    for number in range(count):
        place = root / "more" if number % 2 else root
        picture(number, size, mode).save(place / f"{number:05d}.png")
    return root


def write_idx(root: Path, kind: str = "MNIST", train: int = 40, test: int = 20, packed: bool = True) -> Path:
    """A small set in MNIST's file format: image n is full of the value n, its class n % 10."""
    raw = root / kind / "raw"
    raw.mkdir(parents=True)
    for name, count in (("train", train), ("t10k", test)):
        values = np.repeat(np.arange(count, dtype=np.uint8), 28 * 28)
        images = struct.pack(">4i", 0x803, count, 28, 28) + values.tobytes()
        labels = struct.pack(">2i", 0x801, count) + (np.arange(count, dtype=np.uint8) % 10).tobytes()
        for file, content in ((f"{name}-images-idx3-ubyte", images), (f"{name}-labels-idx1-ubyte", labels)):
            if packed:
                (raw / f"{file}.gz").write_bytes(gzip.compress(content))
            else:
                (raw / file).write_bytes(content)
    return root
