"""What is compared: recipes x datasets x seeds, variants of their settings, runs that are there already."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from aezoo.comparison.families import name_families
from aezoo.config.base import Config
from aezoo.config.check import check
from aezoo.config.merge import read_toml
from aezoo.config.run import RunConfig, dataset_name
from aezoo.errors import ConfigError
from aezoo.registry import registry
from aezoo.registry.onefile import load_files
from aezoo.registry.trust import check_own
from aezoo.resolve import check_part, resolve, run_name
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir
from aezoo.tables.cell import Cell, content_id


class GridConfig(Config):
    """A grid.toml: the table `[grid]`."""

    recipes: tuple[str, ...] = Field((), description="names, files, or run directories")
    datasets: tuple[str, ...] = Field(
        (), description="names, folder:PATH or npz:PATH; none: what each recipe says, or the default one"
    )
    seeds: int = Field(3, gt=0, description="trainings of each, with seeds 0, 1, ...; > 0")
    steps: int | None = Field(None, gt=0, description="iterations; none: what each recipe says")
    scale: str | None = Field(None, description="small, or paper: which of the recipes' settings")
    set: tuple[str, ...] = Field((), description="key=value for every training")
    vary: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(
        {}, description="key -> values: every combination is trained, each a row of its own"
    )
    metrics: tuple[str, ...] = Field((), description="what is measured; none: what `aezoo evaluate` does")
    extractors: tuple[str, ...] = Field((), description="where; none: each dataset's own")
    n: int | None = Field(
        None, gt=1, description="rows of each set; none: as many as there are, 10000 at most"
    )


@dataclass(frozen=True)
class Grid:
    """A comparison: its cells, and how all of them are measured.

    metrics:     names; none: those that are used by default
    extractors:  names; none: each dataset's own
    n:           rows of each set; none: as many as there are, 10,000 at most
    plugins:     one-file plugins that are given for all
    """

    cells: tuple[Cell, ...]
    metrics: tuple[str, ...] = ()
    extractors: tuple[str, ...] = ()
    n: int | None = None
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks for, as `aezoo.compare` explains it; what is None or empty is left to grid.toml or to
    recipes.

    vary:  key -> values: every combination is a method of its own
    """

    methods: Sequence[str] = ()
    datasets: Sequence[str] = ()
    seeds: int | None = None
    steps: int | None = None
    scale: str | None = None
    sets: Sequence[str] = ()
    vary: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    metrics: Sequence[str] = ()
    extractors: Sequence[str] = ()
    n: int | None = None
    plugins: Sequence[str | Path] = ()
    trust: bool = False
    data_root: str = ""
    download: bool = False
    home: Path = Path("runs")
    executor: str = "local"
    address: str = ""
    jobs: int | None = None


def grid_of(request: Request) -> Grid:
    """The cells of a request, in the order in which their rows are shown.

    Raises:  ConfigError for unknown names, no method, and cells that are named twice
    """
    asked = _with_files(request)
    if not asked.methods:
        raise ConfigError(
            "nothing to compare is named",
            where="aezoo compare",
            fix="name recipes (`aezoo list recipe`), run directories, or a grid.toml",
        )
    doubled = {name for name in asked.methods if list(asked.methods).count(name) > 1}
    if doubled:
        raise ConfigError(
            f"'{sorted(doubled)[0]}' is named twice", where="aezoo compare", fix="name each once"
        )
    files = load_files(asked.plugins)
    for name in asked.metrics:  # a wrong name is told before anything is trained
        registry.find("metric", registry.typed_name("metric", name, "--metrics"), "--metrics")
    for name in asked.extractors:
        registry.find("extractor", registry.typed_name("extractor", name, "--extractor"), "--extractor")
    cells = _with_families([cell for name in asked.methods for cell in _cells(name, asked)], asked)
    _check_distinct(cells)
    return Grid(tuple(cells), tuple(asked.metrics), tuple(asked.extractors), asked.n, tuple(files))


def _check_distinct(cells: Sequence[Cell]) -> None:
    """A place in the table holds one number: said before hours of training, not after."""
    seen: dict[tuple[str, str, int], Cell] = {}
    for cell in cells:
        other = seen.setdefault((cell.method, cell.dataset, cell.seed), cell)
        if other is not cell:
            raise ConfigError(
                f"two runs are both '{cell.method}' on {cell.dataset} with seed {cell.seed}",
                where=" and ".join(dict.fromkeys((str(other.path), str(cell.path)))),
                fix="name each once, under a name of its own; --seeds, not --set, chooses seeds",
            )


def _with_files(request: Request) -> Request:
    """The request with every grid.toml replaced by what it says; the command line wins."""
    asked = replace(request, methods=[])
    for name in request.methods:
        grid, named = _grid_in(name), [name]
        if grid is not None:
            asked, named = fill_in(asked, grid), [_beside(name, recipe) for recipe in grid.recipes]
        asked = replace(asked, methods=[*asked.methods, *named])
    return asked


def fill_in(request: Request, grid: GridConfig) -> Request:
    """The request with everything that it leaves to a grid, but for the methods."""
    return replace(
        request,
        datasets=request.datasets or grid.datasets,
        seeds=request.seeds or grid.seeds,
        steps=request.steps or grid.steps,
        scale=request.scale or grid.scale,
        sets=[*grid.set, *request.sets],
        vary={**grid.vary, **request.vary},
        metrics=request.metrics or grid.metrics,
        extractors=request.extractors or grid.extractors,
        n=request.n or grid.n,
    )


def _grid_in(name: str) -> GridConfig | None:
    """The table `[grid]` of a file that has one."""
    table = read_toml(Path(name)).get("grid") if name.endswith(".toml") else None
    if not isinstance(table, Mapping):
        return None
    check_own(Path(name))
    return check(GridConfig, table, "grid", lambda key: name)


def _beside(file: str, recipe: str) -> str:
    """A recipe's file or a run is seen from the grid's own place; a name is a name."""
    path = Path(file).parent / recipe
    return str(path) if recipe.endswith(".toml") or RunDir(path).has_config() else recipe


def _cells(name: str, asked: Request) -> Iterator[Cell]:
    if (run := _run_at(name)) is not None:
        config = _locate(read_config(run, trust=asked.trust, warn=False), asked)
        yield Cell(run.path.name, dataset_name(config.dataset), config.train.seed, config, run.path)
        return
    datasets: Sequence[str | None] = asked.datasets or (None,)
    for dataset, variant in itertools.product(datasets, _variants(asked.vary)):
        for seed in range(asked.seeds or 1):
            config = _resolve(name, dataset, seed, variant, asked)
            label = " ".join([Path(name).stem if name.endswith(".toml") else name, *variant])
            seed_said = config.train.seed  # --set may say another
            yield Cell(
                label, dataset_name(config.dataset), seed_said, config, _directory(name, config, asked.home)
            )


def _directory(name: str, config: RunConfig, home: Path) -> Path:
    """Where a cell is kept: called like its row; or, of a file, as aezoo 0.1.0 called it, if it is there."""
    code = content_id(config)
    before = home / f"{run_name(config)}-{code}"
    if not name.endswith(".toml") or before.is_dir():
        return before
    return home / f"{run_name(config, Path(name).stem)}-{code}"


def _with_families(cells: Sequence[Cell], asked: Request) -> list[Cell]:
    """The cells, with runs that were named by their directories under one name where they are one method."""
    named = {Path(name).resolve() for name in asked.methods}
    runs = [cell for cell in cells if cell.path.resolve() in named]
    others = {cell.method for cell in cells if cell.path.resolve() not in named}
    names = name_families(runs, others)
    return [replace(cell, method=names.get(cell.path, cell.method)) for cell in cells]


def _run_at(name: str) -> RunDir | None:
    """The run directory of that path; a word that is a recipe's name stays one.

    Raises:  ConfigError for a directory that is no run; what is wrong with a config.toml, its reader says
    """
    path = Path(name)
    if not path.is_dir() or name in {info.name for info in registry.list_components("recipe")}:
        return None
    if not RunDir(path).has_config():
        raise ConfigError(
            f"{name} is a directory and no run", where="aezoo compare", fix="name a run's own directory"
        )
    return RunDir(path)


def _variants(vary: Mapping[str, Sequence[Any]]) -> list[tuple[str, ...]]:
    """Every combination, as key=value texts; one empty combination where nothing varies."""
    texts = [[f"{key}={_toml(value)}" for value in values] for key, values in vary.items()]
    return list(itertools.product(*texts))


def _toml(value: Any) -> str:
    """A value as `--set` reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list | tuple) else str(value)


def _resolve(name: str, dataset: str | None, seed: int, variant: Sequence[str], asked: Request) -> RunConfig:
    flags: dict[str, dict[str, Any]] = {"--seeds": {"train": {"seed": seed}}}
    if dataset is not None:
        flags["--dataset"] = {"dataset": dataset}
    if asked.steps is not None:
        flags["--steps"] = {"train": {"steps": asked.steps}}
    sets = [*variant, *asked.sets]
    config = resolve(
        name, flags=flags, sets=sets, scale=asked.scale, plugins=asked.plugins, trusted=asked.trust
    )
    return _locate(config, asked)


def _locate(config: RunConfig, asked: Request) -> RunConfig:
    """The config with the place of its dataset's files, where the dataset has any."""
    root = str(Path(asked.data_root).expanduser().absolute()) if asked.data_root else ""
    said = {"root": root, "download": asked.download}
    known = type(config.dataset.settings).model_fields
    given = {key: value for key, value in said.items() if value and key in known}
    dataset = check_part("dataset", {**config.dataset.model_dump(), **given}, "dataset")
    return config.model_copy(update={"dataset": dataset})
