"""Where files live that outlast a run."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Downloads and extracted features: $AEZOO_CACHE, else aezoo/ in the user's cache. Not created here."""
    if chosen := os.environ.get("AEZOO_CACHE"):
        return Path(chosen).expanduser()
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user).expanduser() / "aezoo"


def data_dir() -> Path:
    """Where datasets lie: $AEZOO_DATA, else data/ in the cache. Not created here."""
    if chosen := os.environ.get("AEZOO_DATA"):
        return Path(chosen).expanduser()
    return cache_dir() / "data"


def is_writable(directory: Path) -> bool:
    """Whether files can be put there, also when the directory has yet to be made."""
    standing = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    return standing.is_dir() and os.access(standing, os.W_OK | os.X_OK)
