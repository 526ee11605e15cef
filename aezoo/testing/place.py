"""Where in its author's own files a part breaks a rule."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from aezoo.errors import AezooError, PartError, breaking_line, defining_line
from aezoo.resolve import part_class
from aezoo.testing.specimen import Specimen

_KNOWN_FOR = {
    "backbone": "encoder",
    "encoder": "forward",
    "decoder": "forward",
    "prior": "sample",
    "divergence": "terms",
    "regularizer": "terms",
    "reconstruction": "terms",
    "dataset": "load",
    "extractor": "forward",
}


def place_of(specimen: Specimen, err: BaseException, method: str = "") -> str:
    """File and line: where their code raised it, or where the method begins that the rule is about.

    Empty where there is no code of theirs, as of a recipe.
    """
    for cause in _causes(err):
        if isinstance(cause, PartError) and cause.where:
            return cause.where
    try:
        part = part_class(specimen.kind, specimen.name)
    except (AezooError, AssertionError):  # a module that breaks; a recipe's row
        return next((breaking_line(cause) for cause in reversed([*_causes(err)]) if cause is not err), "")
    home = _home(part)
    for cause in _causes(err):
        theirs = [
            frame for frame in traceback.extract_tb(cause.__traceback__) if _is_in(frame.filename, home)
        ]
        if theirs:
            return f"{theirs[-1].filename}, line {theirs[-1].lineno}"
    own = vars(part).get(method or _KNOWN_FOR.get(specimen.kind, ""))
    return defining_line(part if own is None else own)


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    while err is not None:
        yield err
        err = err.__cause__


def _home(part: type) -> str:
    """The file of a part's module, or the folder of the package it belongs to."""
    name = part.__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file:
        return ""
    path = Path(os.path.abspath(file))
    depth = name.count(".") + (path.name == "__init__.py")
    return str(path if depth == 0 else path.parents[depth - 1]) if depth <= len(path.parents) else str(path)


def _is_in(file: str, home: str) -> bool:
    path = os.path.abspath(file)
    return bool(home) and (path == home or path.startswith(home + os.sep))
