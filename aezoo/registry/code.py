"""Which code a part is: a hash of the Python files of its package. Torch-free."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

LETTERS = 16  # of a hash, in records


def short(sha256: str) -> str:
    """A hash as it stands in a record.

    >>> short("8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92")
    'sha256:8d969eef6ecad3c2'
    """
    return f"sha256:{sha256[:LETTERS]}"


@cache
def digest(module: str) -> str:
    """Of every Python file of the package that a module lies in, or of its own file: sha256, or nothing.

    A version says who released a package, and not what its author has changed since. Nothing is imported.
    The answer is kept for the life of the process, which goes on with what it has imported.
    """
    found = hashlib.sha256()
    files = sorted(_files(module))
    for name, path in files:
        found.update(f"{name}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest() if files else ""


def _files(module: str) -> Iterable[tuple[str, Path]]:
    """Each file with its name, which does not depend on where the package lies."""
    top, *inner = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # gone, or made by hand
        return
    if spec is None:
        return
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    if not folders:
        if spec.origin is not None and Path(spec.origin).is_file():
            yield Path(spec.origin).name, Path(spec.origin)
        return
    while inner and not any((folder / "__init__.py").is_file() for folder in folders):  # shared by several
        name, *inner = inner
        for folder in folders:
            if (folder / f"{name}.py").is_file():
                yield f"{name}.py", folder / f"{name}.py"
                return
        folders = [folder / name for folder in folders]
    for folder in folders:
        for path in folder.rglob("*.py"):
            yield path.relative_to(folder).as_posix(), path
