"""Generative autoencoders, put together from named parts.

The verbs of the command line are here too and resolve on first use, so that `import aezoo` stays light:
it imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from aezoo.comparison.compare import compare
    from aezoo.registry.catalogue import ComponentInfo, Paper, rows
    from aezoo.registry.registry import list_components
    from aezoo.rundir.load import load
    from aezoo.verbs.evaluate import evaluate
    from aezoo.verbs.python import train

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("aezoo")
"""Marks a plugin's functions that answer a hook of `aezoo.registry.hookspecs`."""

_HOME = {
    "ComponentInfo": "aezoo.registry.catalogue",
    "Paper": "aezoo.registry.catalogue",
    "compare": "aezoo.comparison.compare",
    "evaluate": "aezoo.verbs.evaluate",
    "list_components": "aezoo.registry.registry",
    "load": "aezoo.rundir.load",
    "rows": "aezoo.registry.catalogue",
    "train": "aezoo.verbs.python",
}

__all__ = [
    "ComponentInfo",
    "Paper",
    "__version__",
    "compare",
    "evaluate",
    "hookimpl",
    "list_components",
    "load",
    "rows",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'aezoo' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
