"""`aezoo show`: one part, its source and its settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import reduce
from typing import Annotated

import typer

from aezoo.cli.options import PluginFiles
from aezoo.cli.output import Json, print_columns, print_json, say
from aezoo.config.check import settings_of
from aezoo.config.describe import Setting, settings
from aezoo.config.merge import over
from aezoo.errors import ConfigError, did_you_mean
from aezoo.registry import registry
from aezoo.registry.catalogue import ComponentInfo
from aezoo.registry.onefile import load_files
from aezoo.registry.registry import clear_name_of, full_name_of
from aezoo.registry.sources import Source, sources


def show(
    name: Annotated[str, typer.Argument(metavar="[KIND/]NAME", help="With its kind where several share it.")],
    plugin: PluginFiles = None,
    as_json: Json = False,
) -> None:
    """Show one part: summary, paper, settings with their ranges; of a recipe, its parts."""
    load_files(plugin or ())
    info = _find(name)
    if info.kind in ("recipe", "experiment"):
        _show_files(info, list(sources(info.kind, full_name_of(info), "NAME")), as_json)
    else:
        _show_part(info, settings(settings_of(registry.load_target(info))), as_json)


def _show_files(info: ComponentInfo, files: list[Source], as_json: bool) -> None:
    """A recipe's file and below it those it extends; as JSON, one laid over the other."""
    if as_json:
        whole = reduce(over, [file.table for file in files])
        print_json(info.model_dump() | {info.kind: {key: whole[key] for key in whole if key != "base"}})
        return
    _print_head(info)
    say(files[0].text().rstrip())
    for file in files[1:]:
        say(f"\n# --- its base, {file.origin}\n\n{file.text().rstrip()}")


def _show_part(info: ComponentInfo, keys: list[Setting], as_json: bool) -> None:
    if as_json:
        print_json(info.model_dump() | {"settings": [asdict(key) for key in keys]})
        return
    _print_head(info)
    if keys:
        rows = [(key.name, key.type, _default(key), key.range, key.description) for key in keys]
        print_columns([("KEY", "TYPE", "DEFAULT", "RANGE", "MEANING"), *rows])
    else:
        say("no settings")


def _find(name: str) -> ComponentInfo:
    kind, slash, bare = name.partition("/")
    if slash:
        return registry.find(kind, registry.typed_name(kind, bare, "NAME"), "NAME")
    known = registry.list_components()
    found = [info for info in known if name in (info.name, full_name_of(info))]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"{info.kind}/{clear_name_of(info)}" for info in found)
        raise ConfigError(f"several parts are called '{name}'", where="NAME", fix=f"say which: {choices}")
    hint = did_you_mean(name, [info.name for info in known])
    raise ConfigError(
        f"nothing is called '{name}'",
        where="NAME",
        fix=f"{hint}`aezoo list` shows every name{registry.failures()}",
    )


def _print_head(info: ComponentInfo) -> None:
    say(f"{info.kind} {info.name}: {info.summary or 'no summary'}")
    if info.paper:
        say(f"  paper:   {info.paper.title} ({info.paper.year}), {info.paper.url}")
    for section, brought in info.defaults.items():
        say(f"  brings:  {section} {brought}, unless another is named")
    say(f"  status:  {info.status}{', the default ' + info.kind if info.default else ''}")
    say(f"  from:    {info.plugin}, {info.target}\n")


def _default(key: Setting) -> str:
    if key.required:
        return "required"
    return "none" if key.default is None else json.dumps(key.default)
