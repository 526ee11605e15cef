"""`aezoo list`: the parts that can be named."""

from __future__ import annotations

from typing import Annotated

import typer

from aezoo.cli.options import PluginFiles
from aezoo.cli.output import Json, print_columns, print_json
from aezoo.registry.catalogue import ComponentInfo
from aezoo.registry.registry import clear_name_of, list_components


def list(
    kind: Annotated[str | None, typer.Argument(help="Only this kind, such as prior or recipe.")] = None,
    plugin: PluginFiles = None,
    as_json: Json = False,
) -> None:
    """List recipes, parts and datasets; * marks what is used when nothing is named."""
    if plugin:  # loading them needs more than listing does
        from aezoo.registry.onefile import load_files

        load_files(plugin)
    found = list_components(kind)
    if as_json:
        print_json([_row(info) for info in found])
    else:
        print_columns([(info.kind, _label(info), info.plugin, info.summary) for info in found])


def _row(info: ComponentInfo) -> dict[str, str]:
    return info.model_dump(include={"kind", "name", "summary", "status", "plugin"})


def _label(info: ComponentInfo) -> str:
    experimental = " (experimental)" if info.status == "experimental" else ""
    return f"{clear_name_of(info)}{' *' if info.default else ''}{experimental}"
