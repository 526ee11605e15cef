"""Gathers the commands and turns faults of the user into messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

import aezoo
from aezoo.cli.output import say
from aezoo.errors import AezooError
from aezoo.files import REMEDY, disk_error
from aezoo.registry import registry

COMMANDS = (
    *("train", "evaluate", "compare", "reproduce", "report", "sample", "reconstruct"),
    *("interpolate", "traverse", "neighbours", "latent", "embed"),
    *("list", "show", "plugins", "doctor", "plugin"),
)
"""In the order of `--help`. Each is the function, or the group of commands, of its name in `aezoo.cli`."""
SMALLER = "take a smaller --batch-size, --image-size or --latent-dim, or smaller networks"


def build(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line, with what plugins add to it.

    commands:  those of aezoo itself that it has; only their modules are imported
    """
    app = typer.Typer(
        name="aezoo",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # a traceback is for a bug report: plain and whole
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in commands:
        found = getattr(import_module(f"aezoo.cli.{name}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    registry.add_commands(app)
    return app


def main() -> None:
    """The console script. Exits 0 ok, 1 failed, 2 usage, 3 missing, 4 diverged, 130 and 143 interrupted."""
    try:
        called = sys.argv[1:2]  # the one command alone, so that it starts at once; all for other words
        build(called if called and called[0] in COMMANDS else COMMANDS)()
    except AezooError as err:
        say(err, file=sys.stderr)
        raise SystemExit(err.exit_code) from None
    except BrokenPipeError:
        # The reader left, such as `| head`: nothing more can be said, also not by the flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as err:
        if err.errno not in REMEDY or err.filename is None:
            raise
        say(disk_error(err.filename, err, "read or written"), file=sys.stderr)
        raise SystemExit(1) from None
    except (MemoryError, RuntimeError) as err:
        if not _out_of_memory(err):
            raise
        say(AezooError(f"out of memory: {err}", fix=SMALLER), file=sys.stderr)
        raise SystemExit(1) from None


def _out_of_memory(err: Exception) -> bool:
    """Whether there was too little memory, here or on the device. Torch says so in two ways."""
    named = isinstance(err, MemoryError) or type(err).__name__ == "OutOfMemoryError"
    return named or "can't allocate memory" in str(err)


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda wanted: _version(wanted), is_eager=True)
    ] = False,
) -> None:
    """Train generative autoencoders out of interchangeable parts, and sample from them."""


def _version(wanted: bool) -> None:
    if wanted:
        say(f"aezoo {aezoo.__version__}")
        raise typer.Exit
