"""Whether a dataset fits into memory, and bringing it there."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aezoo.parts.types import Data, Rows, Split

CHUNK = 64  # rows decoded, encoded or compared at a time: about a minibatch, so that memory stays as it was
SHARE = 4  # a dataset may take one part in this many of the free memory


def gather(rows: Tensor | Rows) -> Tensor:
    """All rows as one tensor [N, *shape]; a tensor is returned as it is."""
    if isinstance(rows, Tensor):
        return rows
    whole: Tensor | None = None
    first = 0
    for chunk in rows.split(CHUNK):
        if whole is None:  # filled in place: a list of chunks would need the memory twice
            whole = torch.empty(len(rows), *chunk.shape[1:], dtype=chunk.dtype)
        whole[first : first + len(chunk)] = chunk
        first += len(chunk)
    assert whole is not None, "a split without rows"
    return whole


def in_memory(data: Data) -> Data:
    """The dataset with all its parts as tensors."""
    parts = {"train": data.train, "test": data.test, "validation": data.validation}
    whole: dict[str, Any] = {
        name: replace(split, values=gather(split.values))
        for name, split in parts.items()
        if split is not None
    }
    return replace(data, **whole)


def fits(data: Data, device: torch.device) -> bool:
    """Whether the decoded rows take less than a quarter of the free memory, here and on the device."""
    parts = [part for part in (data.train, data.validation, data.test) if part is not None]
    waiting = sum(_size(part, data.shape) for part in parts if not isinstance(part.values, Tensor))
    if waiting >= free_memory() / SHARE:
        return False
    if device.type != "cuda":
        return True
    return _size(data.train, data.shape) < torch.cuda.mem_get_info(device)[0] / SHARE


def free_memory() -> int:
    """Bytes that programs can still take without swapping, as far as the system says."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    names = os.sysconf_names if hasattr(os, "sysconf_names") else {}
    for pages in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
        if pages in names:
            return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return 8 << 30  # unknown: what a small machine has


def is_streamed(data: Data) -> bool:
    """Whether some rows are read as they are needed."""
    return not isinstance(data.train.values, Tensor)


def _size(split: Split, shape: tuple[int, ...]) -> int:
    """Bytes of the rows in memory."""
    width = split.values.element_size() if isinstance(split.values, Tensor) else 1
    return len(split) * math.prod(shape) * width


def place(data: Data, where: str, device: torch.device) -> Data:
    """The dataset in memory, or as it is where it is to be streamed.

    where:  `memory`, `stream`, or `auto` for what fits
    """
    if where == "memory" or (where == "auto" and fits(data, device)):
        return in_memory(data)
    return data
