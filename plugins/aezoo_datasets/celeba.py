"""CelebA: 202,599 aligned faces with 40 attributes, in the official parts, cut out at the centre."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, final

import torch
from pydantic import Field

from aezoo.api import IMMATERIAL, ConfigError, Data, Split
from aezoo_datasets.images import Box, ImageFiles, Reader
from aezoo_datasets.places import fetch, folder, missing, unzip
from aezoo_datasets.settings import Download, Flip, SkipBadImages

# Left, top, right, bottom in the 178x218 images, as in the authors' code of the 2-stage VAE and FlexAE.
BOXES: dict[int, Box] = {128: (25, 45, 153, 173), 140: (19, 39, 159, 179)}
INNER = "celeba/img_align_celeba"
ZIP = "celeba/img_align_celeba.zip"  # as it is published


@final
class CelebA:
    """Liu, Luo, Wang and Tang's faces; 162,770 train, 19,867 validation, 19,962 test."""

    def __init__(
        self,
        root: Annotated[
            str,
            IMMATERIAL,
            Field(description="folder that holds celeba/; empty: $AEZOO_DATA, else data/ in the cache"),
        ] = "",
        download: Download = False,
        crop: Annotated[
            Literal[128, 140],
            Field(description="side of the square cut out, pixels: 128 (FlexAE) or 140 (RAE)"),
        ] = 128,
        image_size: Annotated[
            int, Field(ge=1, description="side to resize the square to, antialiased, pixels")
        ] = 64,
        flip: Flip = False,
        skip_bad_images: SkipBadImages = False,
    ) -> None:
        self.root, self.download = folder(root), download
        self.reader = Reader(channels=3, side=image_size, box=BOXES[crop])
        self.flip, self.skip = flip, skip_bad_images

    def load(self) -> Data:
        """The three official parts, read as needed. Raises MissingError when the files are not there."""
        from torchvision.datasets import CelebA as source  # slow to import, needed here alone

        root = self._locate(source)
        found = {name: _read(source, root, name) for name in ("train", "valid", "test")}
        parts = [self._part(one, root / INNER) for one in found.values()]
        attributes = tuple(name for name in found["test"].attr_names if name)
        side = self.reader.side
        return Data(
            name="celeba",
            shape=(3, side, side),
            range=(0.0, 1.0),
            train=parts[0],
            validation=parts[1],
            test=parts[2],
            scale=1 / 255,
            attributes=attributes,
            flip=self.flip,
        )

    def _part(self, found: Any, images: Path) -> Split:
        files = ImageFiles(images, found.filename, self.reader)
        kept = self._decodable(files) if self.skip else list(range(len(files)))
        attributes = found.attr.to(torch.uint8)
        return Split(files.part(kept), attributes=attributes[kept])

    def _locate(self, source: Any) -> Path:
        """The folder with the images unpacked: the user's own, or the cache where only the zip is there."""
        if (self.root / INNER).is_dir():
            return self.root
        if self.download:
            fetch("celeba", self.root, lambda: source(self.root, download=True))
            return self.root
        if (self.root / ZIP).is_file():
            return unzip(self.root / ZIP, "celeba", beside=sorted((self.root / "celeba").glob("*.txt")))
        raise missing("celeba", self.root, f"{INNER}/ or {ZIP}")

    def _decodable(self, files: ImageFiles) -> list[int]:
        """Numbers of the files that can be decoded to their end."""
        kept: list[int] = []
        for number, name in enumerate(files.names):
            try:
                self.reader(files.root / name)
                kept.append(number)
            except ConfigError as err:
                print(f"warning: skipped: {err.what}", file=sys.stderr)
        if len(kept) < len(files):
            print(
                f"warning: {len(files) - len(kept)} of {len(files)} image files are skipped", file=sys.stderr
            )
        return kept


def _read(source: Any, root: Path, name: str) -> Any:
    try:
        return source(root, split=name, target_type="attr", download=False)
    except (OSError, RuntimeError) as err:  # torchvision checks the md5 of its lists
        raise ConfigError(
            f"{root / 'celeba'} is incomplete or damaged: {err}",
            where=str(root),
            fix="put intact files in their place, such as list_attr_celeba.txt and list_eval_partition.txt",
        ) from err
