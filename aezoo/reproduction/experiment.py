"""A published table or figure as data: what is trained for it, what it claims, which numbers it reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from aezoo.comparison.grid import Grid, GridConfig, Request, fill_in, grid_of
from aezoo.config.base import Config
from aezoo.config.check import check
from aezoo.config.merge import Table, over
from aezoo.errors import ConfigError, did_you_mean
from aezoo.registry.sources import sources
from aezoo.registry.trust import allow_classes, check_own
from aezoo.tables.cell import Cell

Scale = Literal["small", "paper"]


class Variant(Config):
    """A method that no recipe is named for: a recipe with settings."""

    name: str = Field(description="what its row is called")
    recipe: str = Field(description="the recipe it starts from")
    set: tuple[str, ...] = Field(description="key=value, after those of the grid")


class ShownColumn(Config):
    """A column under each dataset of the original's table."""

    title: str = Field(description="as the original has it")
    measure: str = Field(description="of what, and which measure without its extractor: generation/fd")


class ShownDataset(Config):
    """A dataset of the original's table."""

    name: str = Field(description="a dataset's name")
    title: str = Field(description="as the original has it")
    absent: str = Field("", description="why it is not run, where it is not")


class ShownRow(Config):
    """A row of the original's table."""

    title: str = Field(description="as the original has it")
    dataset: str = Field("", description="the only one it is of, where rows stand for datasets")
    method: str = Field("", description="a recipe's, a variant's or a variation's name; none: we have none")
    absent: str = Field("", description="why it is not run, where it is not")
    reported: dict[str, tuple[float, ...]] = Field(
        {}, description="dataset -> the original's numbers, column by column"
    )


class _Claim(Config):
    text: str = Field(description="what the paper says")
    dataset: str = Field(description="the dataset it is looked at on")


class Below(_Claim):
    """A measure of one method is below that of another."""

    kind: Literal["below"]
    a: str = Field(description="the method said to be below")
    b: str = Field(description="the other method")
    measure: str = Field(description="such as generation/fd")


class Gap(_Claim):
    """Generation is nearer to reconstruction in one method than in another, of equal reconstructions."""

    kind: Literal["gap"]
    a: str = Field(description="the method said to have the smaller gap")
    b: str = Field(description="the other method")
    measure: str = Field("fd", description="measured of both sets, such as fd")
    tolerance: float = Field(
        0.1, gt=0, description="relative difference of reconstructions that counts as equal quality, > 0"
    )


class Trend(_Claim):
    """A measure over a setting that varies."""

    kind: Literal["rises", "falls", "flat", "flat-or-falls", "u-shaped"]
    over: tuple[str, ...] = Field(min_length=2, description="methods, in the order of the setting")
    measure: str = Field(description="such as generation/fd")
    tolerance: float = Field(0.1, gt=0, description="relative change that still counts as flat, > 0")


class Contrast(_Claim):
    """Over a setting that varies, a measure rises by less in one method than in another."""

    kind: Literal["rises-less"]
    a: tuple[str, ...] = Field(
        min_length=2, description="the method said to rise less, in order of the setting"
    )
    b: tuple[str, ...] = Field(min_length=2, description="the other method, at the same settings")
    measure: str = Field(description="such as generation/fd, > 0")


class Memorises(_Claim):
    """A method does not draw its training data (`expect = false`), or it does."""

    kind: Literal["memorises"]
    method: str = Field(description="whose samples")
    expect: bool = Field(description="whether the paper says that it memorises")
    tolerance: float = Field(
        0.01, gt=0, lt=1, description="share of copies beyond those among test rows that is still no memory"
    )


AnyClaim = Below | Gap | Trend | Contrast | Memorises
Claim = Annotated[AnyClaim, Field(discriminator="kind")]


class ScaleConfig(Config):
    """Another scale of an experiment: its grid takes the place of the small one."""

    grid: GridConfig = Field(description="the paper's settings, as far as they are known")


class _Shared(Config):
    """What a file may leave to a base that several extend, and the keys that refer to it."""

    base: str | None = Field(None, description="the experiment or file that it extends")
    texts: dict[str, str] = Field({}, description="NAME -> what {NAME} in a note stands for")
    datasets: dict[str, dict[str, str]] = Field({}, description="NAME -> the other keys of a dataset")
    note: str = Field("", description="as in an experiment, with {NAME} for a text")
    dataset: tuple[str | dict[str, Any], ...] = Field((), description="as in an experiment, or names alone")


class Experiment(Config):
    """A file of an experiment, written out."""

    title: str = Field(description="which table or figure")
    paper: str = Field(description="authors, title, where it appeared")
    url: str = Field(description="the publisher's or arXiv's page")
    shows: str = Field(description="what the original shows")
    note: str = Field(description="why the settings are what they are, and what does not compare")
    source: str = Field("", description="where the reported numbers come from and what they measure")
    minutes: str = Field("", description="how long the small grid took, and on what")
    grid: GridConfig = Field(description="what is trained at small scale")
    scale: dict[Literal["paper"], ScaleConfig] = Field({}, description="other scales")
    variant: tuple[Variant, ...] = Field((), description="further methods")
    column: tuple[ShownColumn, ...] = Field((), description="columns under each dataset")
    dataset: tuple[ShownDataset, ...] = Field(description="groups of columns")
    row: tuple[ShownRow, ...] = Field((), description="rows")
    claim: tuple[Claim, ...] = Field((), description="what is decided")
    curve: bool = Field(False, description="whether kept checkpoints are measured too: curve/NAME")
    pictures: tuple[str, ...] = Field((), description="names of `aezoo.reproduction.pictures`")

    @property
    def scales(self) -> tuple[Scale, ...]:
        return ("small", *self.scale)

    def grid_at(self, scale: Scale) -> GridConfig:
        """The grid of a scale.

        Raises:  ConfigError where the file has none
        """
        if scale == "small":
            return self.grid
        if scale not in self.scale:
            raise ConfigError(
                f"{self.title} has no settings for --scale {scale}", where="--scale", fix="leave it out"
            )
        return self.scale[scale].grid


def load_experiment(item: str) -> Experiment:
    """A registered experiment by its name, or the one in a TOML file, laid over the files that it extends.

    Raises:  ConfigError for unknown names, and for a file with faults
    """
    files = list(sources("experiment", item, "ITEM"))
    for file in files:
        if isinstance(file.place, Path):
            check_own(file.place)
    allow_classes([file.table for file in files])
    origin = files[0].origin
    table = _expand(reduce(over, [file.table for file in files]), origin)
    return check(Experiment, table, "", lambda key: origin)


def _expand(table: Table, origin: str) -> Table:
    """A table with the shared texts in its note, and the datasets that it only names in full."""
    said = {key: value for key, value in table.items() if key in _Shared.model_fields}
    shared = check(_Shared, said, "", lambda key: origin)

    def text(found: re.Match[str]) -> str:
        if found[1] in shared.texts:
            return shared.texts[found[1]]
        hint = did_you_mean(found[1], shared.texts)
        fix = f"{hint}it is to stand under [texts] in the file or its base"
        raise ConfigError(f"no text is called '{found[1]}'", where=f"note in {origin}", fix=fix)

    found = {key: value for key, value in table.items() if key not in said}
    if "note" in said:
        found["note"] = re.sub(r"\{(\w+)\}", text, shared.note) if shared.texts else shared.note
    if "dataset" in said:
        sets = [{"name": one} if isinstance(one, str) else one for one in shared.dataset]
        found["dataset"] = [{**shared.datasets.get(str(one.get("name")), {}), **one} for one in sets]
    return found


def cells_of(
    experiment: Experiment, scale: Scale, home: Path, *, data_root: str = "", download: bool = False
) -> Grid:
    """Everything that is trained for an experiment; its runs are kept in `home`."""
    grid = experiment.grid_at(scale)

    def cells(recipes: Sequence[str], sets: Sequence[str]) -> tuple[Cell, ...]:
        request = Request(
            methods=recipes,
            sets=sets,
            scale=grid.scale or (scale if scale != "small" else None),
            data_root=data_root,
            download=download,
            home=home,
        )
        return grid_of(fill_in(request, grid)).cells

    found = list(cells(grid.recipes, ())) if grid.recipes else []
    for variant in experiment.variant:
        for cell in cells([variant.recipe], variant.set):
            name = variant.name + cell.method.removeprefix(variant.recipe)
            found.append(replace(cell, method=name))
    return Grid(tuple(found), grid.metrics, grid.extractors, grid.n)
