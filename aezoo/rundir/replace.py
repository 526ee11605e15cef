"""A run that replaces another: made beside it, and exchanged with it when it has a checkpoint.

Under the run's name there is a whole run all the while: the old one, until the new one can go on from its own
checkpoint; then the new one. What aezoo did not write is never deleted.
"""

from __future__ import annotations

import glob
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aezoo.config.merge import read_toml
from aezoo.errors import ConfigError, RunFileError, print_warning
from aezoo.files import exchange, flush_directory, reading, unfinished, write_text, writing
from aezoo.rundir import own

MARK = "replaces.txt"  # in the folder beside a run: that aezoo made it, and for which run


class Replacement:
    """A folder beside a run directory, in which the run that is to replace it begins.

    path:  the run directory, no link
    run:   where the new one is written to at first

    Raises:  RunFileError where something in the old one is not aezoo's
    """

    def __init__(self, path: Path) -> None:
        _check(path)
        self.path = path
        with writing(path):
            self._folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.overwrite-", dir=path.parent))
        write_text(self._folder / MARK, path.name)
        self.run = self._folder / "run"

    def take_place(self) -> None:
        """The new run gets the name, the old one goes."""
        with writing(self.path):
            if not exchange(self.run, self.path):
                old = self._folder / "old"
                self.path.rename(old)
                try:
                    self.run.rename(self.path)
                except OSError:
                    old.rename(self.path)
                    raise
            flush_directory(self.path.parent)
            flush_directory(self._folder)
        self.discard()

    def discard(self) -> None:
        """Whatever does not have the name goes."""
        try:
            if self._folder.exists():
                _clear(self._folder)
        except OSError as err:  # the next one to write here deletes it
            print_warning(f"{self._folder} cannot be deleted: {err.strerror}")


def recover(path: Path) -> None:
    """Put right what a killed --overwrite left beside a run directory."""
    for folder in _folders(path):
        if not path.exists() and (folder / "old").is_dir():
            (folder / "old").rename(path)
            flush_directory(path.parent)
            print_warning(f"an --overwrite of {path} was interrupted; the run that was there is back")
        _clear(folder)


def moved_aside(path: Path) -> Path | None:
    """Where a killed --overwrite left the run that had this name."""
    return next((folder / "old" for folder in _folders(path.resolve()) if (folder / "old").is_dir()), None)


def _folders(path: Path) -> Iterator[Path]:
    """Those that `Replacement` made for this run; not a user's own of such a name."""
    for name in glob.glob(f".{glob.escape(path.name)}.overwrite-*", root_dir=path.parent):
        folder = path.parent / name
        random = name.removeprefix(f".{path.name}.overwrite-")
        if folder.is_symlink() or not folder.is_dir() or not re.fullmatch("[a-z0-9_]{8}", random):
            continue
        mark = folder / MARK
        begun = all(unfinished(one.name) == MARK for one in folder.iterdir())  # killed before it was marked
        if begun or (mark.is_file() and mark.read_text(encoding="utf-8", errors="replace") == path.name):
            yield folder


def _clear(folder: Path) -> None:
    left: list[Path] = []
    for run in (folder / "run", folder / "old"):
        if run.is_dir():
            left += own.remove(run, _plugins(run))
    if left:
        print_warning(f"{folder} is kept: {left[0].name} in it is no file of a run's")
        return
    for file in [one for one in folder.iterdir() if MARK in (one.name, unfinished(one.name))]:
        file.unlink()
    with suppress(OSError):  # somebody put something beside them
        folder.rmdir()


def _check(path: Path) -> None:
    if Path.cwd().is_relative_to(path):
        raise RunFileError(
            f"{path} holds the working directory, so it is not replaced",
            where="--overwrite",
            fix="run the command from elsewhere, or choose another --out",
        )
    with reading(path):
        strangers = own.foreign(path, _plugins(path))
    if strangers:
        more = f" (and {len(strangers) - 1} more)" if len(strangers) > 1 else ""
        raise RunFileError(
            f"{path} is not replaced: {strangers[0].relative_to(path)} in it{more} is no file of a run's",
            where="--overwrite",
            fix="move it elsewhere, or choose another --out",
        )


def _plugins(run: Path) -> tuple[str, ...]:
    """One-file plugins that a run keeps; they are written before, and deleted before, its config.toml."""
    if not (run / "config.toml").exists():
        return tuple(f"plugins/{file.name}" for file in run.glob("plugins/*.py"))
    try:
        found = read_toml(run / "config.toml").get("plugins", ())
    except ConfigError:
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()
