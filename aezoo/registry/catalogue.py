"""What a part says of itself, and the rows of registry.toml. Torch-free."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field

from aezoo.config.base import Config
from aezoo.config.check import check
from aezoo.errors import ConfigError, did_you_mean

Kind = Literal[
    "recipe",
    "backbone",
    "encoder",
    "decoder",
    "prior",
    "divergence",
    "regularizer",
    "reconstruction",
    "dataset",
    "extractor",
    "metric",
    "experiment",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Letters, digits and inner - . +: a name must survive a shell, a TOML key and a directory's name.
NAME = r"^[A-Za-z0-9]([A-Za-z0-9.+-]*[A-Za-z0-9])?$"
TARGET = r"^[A-Za-z_][\w.]*:[\w./-]+$"


class Paper(Config):
    """Where a method was published."""

    title: str = Field(description="title, as printed")
    year: int = Field(description="year of publication")
    url: str = Field(description="the publisher's or arXiv's page")
    authors: str = Field("", description="family names")
    venue: str = Field("", description="where it appeared, without the year")
    note: str = Field("", description="what else to say where it is cited")

    def citation(self) -> dict[str, str]:
        """`paper` and `url` of a recipe or experiment, such as "Dai, Wipf: ... (ICLR 2019)"."""
        authors = f"{self.authors}: " if self.authors else ""
        note = f", {self.note}" if self.note else ""
        return {
            "paper": f"{authors}{self.title} ({f'{self.venue} {self.year}'.strip()}){note}",
            "url": self.url,
        }


class ComponentInfo(Config):
    """One part: its name, and where it is imported from when it is used."""

    kind: Kind = Field(description="what it is")
    name: str = Field(pattern=NAME, description="what users type")
    target: str = Field(pattern=TARGET, description="'module:Class'; for a file 'package:recipes/x.toml'")
    summary: str = Field("", description="one line")
    paper: Paper | None = Field(None, description="its publication, if any")
    status: Literal["stable", "experimental"] = Field("stable", description="whether its settings may change")
    default: bool = Field(False, description="used for its kind when nothing is named")
    defaults: dict[str, str] = Field(
        default_factory=dict, description="section -> name that this part brings when nothing else names one"
    )
    first: tuple[str, ...] = Field(
        (),
        description="measures of a metric that a comparison shows first and ranks methods by",
    )
    also: dict[str, str] = Field(
        default_factory=dict, description="measure of a metric -> its own name on one extractor, fd -> fid"
    )
    caveat: str = Field(
        "", description="what an extractor's numbers do not say; stands beside them in tables"
    )
    config: str = Field("", exclude=True, description="not read any more: the constructor states settings")
    plugin: str = Field("", description="distribution and version it came from; filled by the registry")
    distribution: str = Field("", exclude=True, description="the distribution alone, likewise")


class External(Config):
    """A third party's package that is known but not necessarily installed."""

    install: str = Field(description="name of the distribution")
    provides: tuple[str, ...] = Field((), description="'kind/name' of each of its parts")
    summary: str = Field("", description="one line")
    page: str = Field("", description="where it is described")


class _Tables(Config):
    """The whole of registry.toml."""

    component: tuple[dict[str, Any], ...] = Field((), description="the parts that ship; papers by key")
    paper: dict[str, Paper] = Field({}, description="publications by key")
    external: tuple[External, ...] = Field((), description="packages of third parties")


def rows(package: str) -> list[ComponentInfo]:
    """The shipped parts whose target lies in a package, in the order of registry.toml."""
    return [info for info in shipped() if info.target.partition(":")[0].split(".")[0] == package]


@cache
def externals() -> tuple[External, ...]:
    """The third-party packages that registry.toml knows of."""
    return _tables().external


@cache
def shipped() -> tuple[ComponentInfo, ...]:
    """All parts that ship, whether their plugins are loaded or not."""
    origin = "component in registry.toml"
    return tuple(
        check(ComponentInfo, _with_paper(row), str(row.get("name", "")), lambda key: origin)
        for row in _tables().component
    )


def _with_paper(row: dict[str, Any]) -> dict[str, Any]:
    """A row of registry.toml with the paper whose key it gives."""
    known, key = _tables().paper, row.get("paper")
    if not isinstance(key, str):
        return row
    if key not in known:
        raise ConfigError(
            f"no paper has the key '{key}'",
            where=f"paper of {row.get('kind')}/{row.get('name')} in registry.toml",
            fix=f"{did_you_mean(key, known)}others stand under [paper] in registry.toml",
        )
    return {**row, "paper": known[key]}


@cache
def _tables() -> _Tables:
    """What registry.toml says.

    Raises:  ConfigError for a damaged one
    """
    try:
        table = tomllib.loads(registry_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise ConfigError(
            f"{registry_file()} is damaged: {err}", where="registry.toml", fix="install aezoo again"
        ) from err
    return check(_Tables, table, "", lambda key: "registry.toml")


def registry_file() -> Path:
    """registry.toml: inside the installed package, or at the root of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "registry.toml"
    return installed if installed.exists() else package.parent / "registry.toml"
