"""What can go wrong for a user, said in three lines: what, where, how to mend it."""

from __future__ import annotations

import difflib
import inspect
import sys
import traceback
from collections.abc import Iterable
from contextlib import AbstractContextManager, redirect_stdout
from typing import Any


class AezooError(Exception):
    """A fault the user can mend. The command line prints it bare and leaves with `exit_code`.

    what:   the fault, with the offending value
    where:  where the user wrote it: a key, a file, an option
    fix:    how to put it right
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return shown("\n".join(lines))


class ConfigError(AezooError):
    """A name, key or value that cannot be used, or parts that do not go together."""

    exit_code = 2


class PartError(AezooError):
    """A part that gives something else than parts of its kind give, such as terms that are no dict."""


class ShapeError(PartError):
    """A tensor of another shape than parts of this kind give."""


class MissingError(AezooError):
    """A plugin, data or weights that are not on this machine."""

    exit_code = 3


class DivergedError(AezooError):
    """A loss or a weight that is no longer finite."""

    exit_code = 4


class RunFileError(AezooError):
    """A run directory that is damaged, incomplete or already there."""


class DiskError(AezooError):
    """A file that cannot be read or written: no space, no permission, a disk that is gone."""


class InterruptedRun(AezooError):
    """Training stopped by a signal after writing a checkpoint; 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, what: str, *, exit_code: int, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.exit_code = exit_code


def shown(text: str) -> str:
    """Text for a terminal: what would steer it, or has no letter, is spelt out; line ends and tabs stay.

    >>> shown("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    if text.isprintable():
        return text
    lines = text.split("\r\n")
    return "\r\n".join("".join(map(_spelt, line)) for line in lines)


def _spelt(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return character.encode("unicode_escape").decode()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to a misspelt one, or None when none is close.

    >>> nearest("vamprior", ["vampprior", "normal"])
    'vampprior'
    """
    spelt = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), spelt, n=1, cutoff=0.5)
    return spelt[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name as the beginning of a remedy; empty when none is close.

    >>> did_you_mean("vamprior", ["vampprior", "normal"])
    "did you mean 'vampprior'? "
    """
    close = nearest(name, known)
    return f"did you mean '{close}'? " if close else ""


def breaking_line(err: BaseException) -> str:
    """File and line where somebody else's code broke, as "file.py, line 3"; empty when there is none."""
    if isinstance(err, SyntaxError) and err.filename and err.lineno:
        return f"{err.filename}, line {err.lineno}"
    frames = traceback.extract_tb(err.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith("<frozen")]
    return f"{theirs[-1].filename}, line {theirs[-1].lineno}" if theirs else ""


def defining_line(thing: Any) -> str:
    """File and line where somebody's function or class begins, as "file.py, line 3"; empty when unknown."""
    code = getattr(thing, "__code__", None)
    if code is not None:
        return f"{code.co_filename}, line {code.co_firstlineno}"
    try:
        kind = thing if isinstance(thing, type) else type(thing)
        return f"{inspect.getsourcefile(kind)}, line {inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):  # made at a prompt, or built in
        return ""


def output_to_stderr() -> AbstractContextManager[Any]:
    """While somebody else's module is imported: what it prints is not what a command was asked for."""
    return redirect_stdout(sys.stderr)


def print_warning(text: str) -> None:
    """A line on stderr: something is wrong, and the work goes on."""
    print(f"warning: {shown(text)}", file=sys.stderr)
