"""Views of runs to one self-contained page of HTML. Everything that users wrote passes through autoescape."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from aezoo import __version__
from aezoo.config.run import RunConfig, material
from aezoo.errors import ConfigError, RunFileError, print_warning
from aezoo.report.cloud import cloud
from aezoo.report.curves import phases
from aezoo.report.differences import differences, settings
from aezoo.report.view import EXTENDED, NOT_FINISHED, Lines, Looks, RunView, labels, read, without_paths
from aezoo.tables.cell import Outcome
from aezoo.tables.render.html import render as fragment
from aezoo.tables.render.layout import clean, shorten
from aezoo.tables.table import build
from aezoo.tables.warnings import names_of, warnings_in

COLOURS = 8  # lines that differ in colour; further ones are dashed
ALIKE = ("train.seed",)  # what runs of one comparison differ in by design


@dataclass(frozen=True)
class Page:
    """What a page shows.

    outcomes:  the rows of its table
    views:     the runs whose pictures and curves it shows; others are in the table alone
    looks:     by a view's label; none at all: the section is left out
    columns:   of the table; none: the main ones
    """

    title: str
    outcomes: Sequence[Outcome]
    views: Sequence[RunView]
    looks: Mapping[str, Looks] = field(default_factory=dict)
    columns: Sequence[str] | None = None
    allow_mixed: bool = False


def short_page(path: Path, results: Mapping[str, Any] | None = None, lines: Lines | None = None) -> str:
    """The page of one run, from its files alone; `results` and `lines` as in `read`."""
    view = read(path, results=results, lines=lines)
    return render(Page(view.label, without_paths([view.outcome]), [view]))


def of_runs(paths: Sequence[Path]) -> Page:
    """The page of some runs, a row for each.

    Raises:  ConfigError for a directory that is named twice; RunFileError for one that is no run's
    """
    views = [read(path, label) for path, label in labels(paths).items()]
    title = views[0].label if len(views) == 1 else f"{len(views)} runs side by side"
    return Page(title, without_paths([view.outcome for view in views]), views)


def of_outcomes(outcomes: Sequence[Outcome]) -> Page:
    """The page of a comparison: all its numbers, and the pictures of each method's first seed."""
    first: dict[tuple[str, str], Outcome] = {}
    for one in sorted(outcomes, key=lambda one: one.cell.seed):
        first.setdefault((one.cell.method, one.cell.dataset), one)
    shorter = without_paths(outcomes)
    several = len({one.cell.dataset for one in shorter}) > 1
    views = [
        view
        for one, short in zip(outcomes, shorter, strict=True)
        if one in first.values()
        for view in _views(one, f" · {short.cell.dataset}" if several else "")
    ]
    methods = list(dict.fromkeys(one.cell.method for one in outcomes))
    return Page(f"{len(methods)} methods side by side", shorter, views)


def _views(outcome: Outcome, more: str) -> list[RunView]:
    """The view of a run; none where it left nothing, or where its files cannot be read."""
    path, label = outcome.cell.path, outcome.cell.method + more
    if not (path / "config.toml").is_file():
        return []
    try:
        return [read(path, label)]
    except (ConfigError, RunFileError) as err:  # its row of the table stands all the same
        print_warning(f"no pictures of {label} on the page: {err.what}")
        return []


def render(page: Page) -> str:
    """The page as HTML; the same for the same files."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css, script = (Markup(_source(name)) for name in ("report.css", "report.js"))  # ours to the last letter
    values = {**_values(page), "css": css, "script": script, "policy": _policy(css, script)}
    return environment.get_template("report.html").render(values)


def _values(page: Page) -> dict[str, Any]:
    """What the template reads."""
    tables = [_settings(view.outcome.cell.config) for view in page.views]
    return {
        "page": page,
        "title": clean(page.title),
        "version": __version__,
        "views": page.views,
        "numbers": {view.label: number for number, view in enumerate(page.views)},
        "shades": COLOURS,
        "table": _table(page),
        "warnings": _warnings(page),
        "phases": phases({view.label: view.lines for view in page.views}),
        "clouds": {name: cloud(name, looks.codes) for name, looks in page.looks.items() if looks.codes.prior},
        "settings": settings(tables)
        if len(tables) == 1
        else [one for one in differences(tables) if one.key not in ALIKE],
        "facts": [_facts(view) for view in page.views],
        "data_uri": _data_uri,
    }


def _table(page: Page) -> dict[str, str]:
    """The comparison as a fragment of HTML; or why there is none."""
    from markupsafe import Markup

    try:
        table = build(page.outcomes, page.columns, allow_mixed=page.allow_mixed)
    except ConfigError as err:
        why = _without_paths(err.what, page.outcomes) + (f" ({err.fix})" if err.fix else "")
        return {"html": "", "why": why}
    return {"html": Markup(fragment(table)), "why": ""}  # the fragment has escaped every text itself


def _without_paths(text: str, outcomes: Sequence[Outcome]) -> str:
    for one in outcomes:
        text = text.replace(str(one.cell.path), one.cell.path.name)
    return text


def _settings(config: RunConfig) -> dict[str, Any]:
    """What weights depend on, and the recipe that it is from."""
    return {"recipe": {"name": config.recipe.name, "scale": config.recipe.scale}, **material(config)}


def _warnings(page: Page) -> list[tuple[str, list[str]]]:
    """What is wrong, and with which runs: their own warnings, failures, files that are damaged."""
    found: dict[str, list[str]] = {}
    for one, who in zip(page.outcomes, names_of(page.outcomes), strict=True):
        for text in [*_failure(one), *warnings_in(one)]:
            found.setdefault(text, []).append(who)
    for view in page.views:
        for text in view.faults:
            found.setdefault(text, []).append(view.label)
    return list(found.items())


def _failure(outcome: Outcome) -> list[str]:
    text = shorten(clean(_without_paths(outcome.failure, [outcome])))
    return [text if outcome.failure in (NOT_FINISHED, EXTENDED) else f"failed: {text}"] if text else []


def _facts(view: RunView) -> dict[str, str]:
    """Where a run comes from."""
    results = view.results
    versions = results.get("versions") or {}
    seconds = results.get("seconds")
    return {
        "run": view.path.resolve().name,
        "recipe": str(results.get("recipe") or view.outcome.cell.config.recipe.name),
        "dataset": without_paths([view.outcome])[0].cell.dataset,
        "seed": str(view.seed),
        "steps": f"{results['steps']:,}" if "steps" in results else "",
        "seconds": f"{seconds:,.1f}" if isinstance(seconds, int | float) else "",
        "device": str(results.get("device", "")),
        "aezoo": str(versions.get("aezoo") or view.outcome.cell.config.version),
        "commit": str(versions.get("commit", ""))[:12],
        "torch": str(versions.get("torch", "")),
        "python": str(versions.get("python", "")),
        "sha256 of the weights": view.sha256,
    }


# -- the template --------------------------------------------------------------------------------------


def _source(name: str) -> str:
    return files("aezoo").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(css: str, script: str) -> str:
    """Nothing is loaded and nothing runs but what this page itself was written with."""
    digests = (hashlib.sha256(text.encode()).digest() for text in (css, script))
    style, code = (f"sha256-{base64.b64encode(digest).decode()}" for digest in digests)
    return (
        f"default-src 'none'; img-src data:; style-src '{style}'; script-src '{code}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
