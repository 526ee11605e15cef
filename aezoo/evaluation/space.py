"""An extractor at work: sets of rows to features, in batches, kept by content where that saves time."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from aezoo.errors import ConfigError, print_warning
from aezoo.files import make_directory, write_bytes
from aezoo.parts.measures import Extractor
from aezoo.rundir.sealed import Damaged, open_sealed, seal

BLOCK = 512  # rows extracted, and kept, at a time, at most: what an interrupted extraction can lose
NUMBERS = 1 << 20  # in a block of larger images, so that a network over them stays small


@final
class Space:
    """Where sets are compared: an extractor with its name and settings.

    cache:  a folder for features of extractors that ask for one; a block of rows is looked up by the bytes
            of the rows and everything the extractor depends on, never by a name
    packages:  whose the extractor is, where it is not aezoo's own
    """

    def __init__(
        self,
        name: str,
        extractor: Extractor,
        *,
        settings: Mapping[str, Any] | None = None,
        device: torch.device | str = "cpu",
        cache: Path | None = None,
        packages: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.extractor = name, extractor.to(device).eval()
        self.packages = packages or {}
        self._device = torch.device(device)
        self._cache = cache if extractor.cached else None
        said = ("weights", "download") if extractor.sha256 else ("download",)  # the hash says it better
        kept = {key: value for key, value in (settings or {}).items() if key not in said}
        parts = ["sealed", name, extractor.sha256, extractor.layer, extractor.resize, kept, *_code(extractor)]
        self._identity = json.dumps([*parts, self._device.type])

    def features(self, rows: Tensor, tell: Callable[[int], None] = lambda rows: None) -> Tensor:
        """Features float [N, d] on the CPU of rows: uint8 images, or floats as they are.

        tell:  called with the number of rows of each finished block

        Raises:  ConfigError when the extractor answers with anything but a finite row for each row
        """
        found = []
        for block in rows.split(max(1, min(BLOCK, NUMBERS // rows[0].numel()))):
            found.append(self._block(block))
            tell(len(block))
        return torch.cat(found)

    def _block(self, rows: Tensor) -> Tensor:
        if self._cache is None:
            return self._extract(rows)
        key = self._key(rows)
        path = self._cache / f"{key}.safetensors"
        if path.is_file():
            try:
                return _read(path, key, len(rows))
            except (OSError, ValueError, SafetensorError) as err:
                print_warning(f"{path} is damaged, and its features are made anew: {err}")
        features = self._extract(rows)
        make_directory(path.parent)
        write_bytes(path, seal(save_tensors({"features": features.contiguous()}), {"key": key}))
        return features

    def _extract(self, rows: Tensor) -> Tensor:
        x = rows.to(self._device)
        x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
        with torch.no_grad():
            features: Tensor = self.extractor(x).cpu()
        whole = features.dim() == 2 and len(features) == len(rows) and features.dtype.is_floating_point
        if whole and bool(torch.isfinite(features).all()):
            return features
        what = "values that are no finite number" if whole else f"{tuple(features.shape)} {features.dtype}"
        raise ConfigError(
            f"the extractor '{self.name}' makes {what} of {len(rows)} rows",
            where="--extractor",
            fix="mend it: features are floats [B, d]; `aezoo plugin check` tries it",
        )

    def _key(self, rows: Tensor) -> str:
        digest = hashlib.sha256(self._identity.encode())
        digest.update(f"{rows.dtype}{tuple(rows.shape)}".encode())
        digest.update(rows.contiguous().numpy().tobytes())
        return digest.hexdigest()


def _code(extractor: Extractor) -> list[str]:
    """What computes the features: the class, the content of its file, and torch."""
    kind = type(extractor)
    try:
        content = Path(inspect.getfile(kind)).read_bytes()
    except (TypeError, OSError):  # typed in at a prompt
        content = b""
    return [f"{kind.__module__}:{kind.__qualname__}", hashlib.sha256(content).hexdigest(), torch.__version__]


def _read(path: Path, key: str, rows: int) -> Tensor:
    """Kept features.

    Raises:  Damaged for a file that is not what was written under this key; OSError, SafetensorError
    """
    content = path.read_bytes()
    if open_sealed(content).get("key") != key:
        raise Damaged("it says to be of other rows, or nothing")
    features = load_tensors(content).get("features")
    if features is None or len(features) != rows or not bool(torch.isfinite(features).all()):
        raise Damaged("it holds no finite row for each row")
    return features
