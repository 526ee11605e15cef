"""Where tensors live: the device that a name stands for."""

from __future__ import annotations

import torch

from aezoo.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """The device by that name; `auto` takes CUDA, else Apple's MPS, else the CPU.

    Raises:  ConfigError when the named one is not there
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[name]:
        found = ", ".join(kind for kind, present in there.items() if present)
        raise ConfigError(f"there is no device '{name}' here", where="train.device", fix=f"there is: {found}")
    return torch.device(name)
