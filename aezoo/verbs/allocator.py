"""Keeping freed memory for the next step, on glibc."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_BYTES = 1 << 30


def keep_memory() -> bool:
    """Raise the thresholds above which glibc hands buffers back to the kernel; True where it worked.

    By default every buffer over 128 KB is mapped afresh and zeroed page by page, which costs small
    networks more than their arithmetic.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return all(libc.mallopt(option, _BYTES) == 1 for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD))
