"""Every draw has its own seed, made from what the draw is for.

So no generator state is ever saved, a resumed run draws what an undisturbed one would, and a pass that
is computed a second time sees the same noise.
"""

from __future__ import annotations

import zlib
from functools import cache

import torch

_MASK = (1 << 64) - 1


def mix(*parts: int | str) -> int:
    """One 64-bit seed out of numbers and names. Changes of one part change all bits (splitmix64)."""
    state = 0
    for part in parts:
        state = _scramble(state ^ (_number(part) if isinstance(part, str) else part & _MASK))
    return state


def _scramble(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@cache
def _number(name: str) -> int:
    return zlib.crc32(name.encode())


def generator_for(device: torch.device | str, *parts: int | str) -> torch.Generator:
    """A generator on the device, seeded from `mix(*parts)`."""
    return torch.Generator(device).manual_seed(mix(*parts))
