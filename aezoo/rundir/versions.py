"""What computed something: versions, and the commit of a checkout."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import numpy
import torch

from aezoo import __version__


def versions() -> dict[str, str]:
    """Of everything that numbers may depend on."""
    return {
        "aezoo": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "scikit-learn": metadata.version("scikit-learn"),
        "commit": commit(),
    }


def commit() -> str:
    """The commit of the checkout that aezoo runs from; empty for an installed package."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return ""
    asked = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()
