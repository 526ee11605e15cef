"""`aezoo plugin new` and `aezoo plugin check`: for authors of plugins."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aezoo.cli.output import Json, print_json, say
from aezoo.errors import AezooError, MissingError, output_to_stderr
from aezoo.registry import registry
from aezoo.registry.onefile import load_file
from aezoo.registry.registry import PluginRecord

if TYPE_CHECKING:
    from aezoo.testing import Finding

plugin = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Write a plugin, and check one.")


@plugin.command()
def new(
    name: Annotated[str, typer.Argument(help="Such as my-prior: the distribution is aezoo-my-prior.")],
) -> None:
    """Write aezoo-NAME/ here: a complete distribution with a prior, a regularizer and their tests."""
    from aezoo.registry.skeleton import write_skeleton

    written = write_skeleton(name, Path())
    say(written)
    say(f"  pip install ./{written}")
    say(f"  aezoo plugin check {written}")
    say(f"  aezoo train --prior {name} --steps 300")


@plugin.command()
def check(
    package: Annotated[str, typer.Argument(help="A distribution or module that is installed, or FILE.py.")],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting of the parts, such as hidden=8 or prior.hidden=8. May be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every part of a plugin against the rules of its kind; exit 1 when one is broken."""
    record = _record(package)
    if record.status != "ok":
        raise AezooError(
            f"{record.origin} is {record.status}: {record.reason}",
            where=record.module,
            fix=f"mend {record.module}, and install it again" if record.status == "FAILED" else "enable it",
        )
    if not record.components:
        raise AezooError(
            f"{record.origin} brings no parts: there is nothing to check",
            where=record.module,
            fix="let its hook aezoo_components return a ComponentInfo for each part",
        )
    from aezoo.testing import examine

    findings = examine(record.components, set_ or ())
    found = list(findings) if as_json else _print(findings)
    if as_json:
        print_json([asdict(finding) for finding in found])
    if any(finding.status == "FAILED" for finding in found):
        raise typer.Exit(1)


def _print(findings: Iterable[Finding]) -> list[Finding]:
    """A line for each, as it comes, and a sum at the end."""
    found = []
    for finding in findings:
        found.append(finding)
        part = f"{finding.kind}/{finding.name}"
        why = finding.what if finding.status == "skipped" else ""
        say(f"{finding.status:<8} {part:<28} {finding.rule:<14} {why}".rstrip(), flush=True)
        if finding.status == "FAILED":
            for line in _reason(finding):
                say(f"         {line}")
    count = {status: sum(f.status == status for f in found) for status in ("ok", "skipped", "FAILED")}
    say(", ".join(f"{number} {status}" for status, number in count.items()))
    return found


def _reason(finding: Finding) -> list[str]:
    """What was seen, where in the author's code, and the remedy."""
    lines = [*finding.what.splitlines(), f"where: {finding.where}", f"fix:   {finding.fix}"]
    return [line for line in lines if not line.endswith(": ")]


def _record(package: str) -> PluginRecord:
    """The plugin of that distribution, module, entry point or file; loaded if it is not yet.

    Raises:  MissingError when it is not installed
    """
    if package.endswith(".py"):
        load_file(Path(package), "PACKAGE")
        package = Path(package).name
    elif not _matching(package):
        _register_module(package.replace("-", "_"), package)
    return _matching(package)[0]


def _matching(package: str) -> list[PluginRecord]:
    wanted = registry.canonical(package)
    return [
        record
        for record in registry.plugins()
        if wanted in map(registry.canonical, (record.distribution, record.module, record.name))
    ]


def _register_module(module: str, package: str) -> None:
    """Take a module that no entry point names, such as one beside the working directory."""
    sys.path.append(str(Path.cwd()))
    if not _is_importable(module):
        bare = os.sep not in package  # which pip would look for in its index
        local = f"./{package}" if bare and Path(package).is_dir() else package
        raise MissingError(
            f"the plugin '{package}' is not installed", where="PACKAGE", fix=f"pip install {local}"
        )
    try:
        with output_to_stderr():
            found = import_module(module)
    except Exception as err:  # a plugin's top level may raise anything
        raise AezooError(
            f"{module} cannot be imported: {type(err).__name__}: {err}", where="PACKAGE", fix=f"mend {module}"
        ) from err
    registry.register(found, package)


def _is_importable(module: str) -> bool:
    try:
        return all(map(str.isidentifier, module.split("."))) and find_spec(module) is not None
    except ImportError:  # of the package around it
        return False
