"""What the files of a run directory say: a run directory to a `RunView`."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aezoo.config.check import check
from aezoo.config.run import RunConfig, dataset_name
from aezoo.errors import AezooError, ConfigError
from aezoo.rundir.rundir import RunDir
from aezoo.tables.cell import Cell, Outcome

NOT_FINISHED = "its training is not finished: it left no results yet"
EXTENDED = "its training was extended and is not finished: its results are of fewer steps"
LARGEST_PICTURE = 32_000_000  # bytes

Lines = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Picture:
    """A PNG, and what a caption adds; without one, why."""

    png: bytes = b""
    note: str = ""
    why: str = ""


@dataclass(frozen=True)
class Points:
    """Points of a plane by group, in one group for each colour; without any, why.

    prior:  the last group: drawn from the prior, not from data
    """

    groups: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    prior: Sequence[tuple[float, float]] = ()
    axes: tuple[str, str] = ("", "")
    why: str = ""


@dataclass(frozen=True)
class Looks:
    """What a loaded model shows."""

    interpolation: Picture
    neighbours: Picture
    codes: Points


@dataclass(frozen=True)
class RunView:
    """The files of one run.

    label:     what the page calls it
    outcome:   its place in a comparison, with the content of results.json
    lines:     of metrics.jsonl
    pictures:  `samples` and `reconstructions`
    sha256:    of the tensors in model.safetensors, as that file says it; empty where it does not
    faults:    what cannot be read, and why
    """

    label: str
    path: Path
    outcome: Outcome
    lines: Lines
    pictures: Mapping[str, Picture]
    sha256: str
    faults: tuple[str, ...] = ()

    @property
    def results(self) -> Mapping[str, Any]:
        return self.outcome.results

    @property
    def seed(self) -> int:
        return self.outcome.cell.seed


def read(
    path: Path, label: str = "", results: Mapping[str, Any] | None = None, lines: Lines | None = None
) -> RunView:
    """The view of a run directory; what is missing or damaged in it is told, not raised.

    results:  what its results.json will hold, where that is not written yet
    lines:    of its metrics.jsonl, where they have been read already

    Raises:  RunFileError for a directory that is no run's; ConfigError for a config.toml that is no run's
    """
    run = RunDir(path)
    config = check(RunConfig, run.read_config(), "", lambda key: str(path / "config.toml"))
    outcome = _outcome(run, config, label or path.resolve().name, results)
    found, faults = _lines(run) if lines is None else (lines, [])
    return RunView(
        label=outcome.cell.method,
        path=path,
        outcome=outcome,
        lines=found,
        pictures={name: _picture(path, name) for name in ("samples", "reconstructions")},
        sha256=_sha256(run),
        faults=tuple(faults),
    )


def labels(paths: Sequence[Path]) -> dict[Path, str]:
    """A name for each run: its directory's, with as many of those above it as tell them apart.

    Raises:  ConfigError for a directory that is named twice
    """
    found = [path.resolve() for path in paths]
    doubled = [path for path in paths if found.count(path.resolve()) > 1]
    if doubled:
        raise ConfigError(f"{doubled[0]} is named twice", where="runs", fix="name each run once")
    for depth in range(1, 1 + max((len(path.parts) for path in found), default=1)):
        names = ["/".join(path.parts[-depth:]) for path in found]
        if len(set(names)) == len(names):
            break
    return dict(zip(paths, names, strict=True))


def without_paths(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with their datasets' short names, as far as these tell different datasets apart."""
    full: dict[str, set[str]] = {}
    for one in outcomes:
        full.setdefault(_short(one.cell), set()).add(one.cell.dataset)
    return [
        replace(one, cell=replace(one.cell, dataset=_short(one.cell)))
        if len(full[_short(one.cell)]) == 1
        else one
        for one in outcomes
    ]


def _short(cell: Cell) -> str:
    """A dataset as users name it, of a path only the last name: nobody else needs to know where it lies."""
    path = cell.config.dataset.get("path")
    return cell.dataset.replace(path, Path(path).name) if path else cell.dataset


def _outcome(run: RunDir, config: RunConfig, label: str, given: Mapping[str, Any] | None) -> Outcome:
    cell = Cell(label, dataset_name(config.dataset), config.train.seed, config, run.path)
    try:
        results = run.read_results() if given is None else given
        extended = run.has_model() and not run.is_finished()
    except AezooError as err:
        return Outcome(cell, {}, err.what.replace(f"{run.path}/", ""))
    if extended:
        return Outcome(cell, {}, EXTENDED)
    return Outcome(cell, results, "" if "steps" in results else NOT_FINISHED)


def _lines(run: RunDir) -> tuple[Lines, list[str]]:
    try:
        lines, faults = run.metrics()
    except AezooError as err:
        return [], [err.what.replace(f"{run.path}/", "")]
    return lines, [fault.replace(f"{run.path}/", "") for fault in faults]


def _sha256(run: RunDir) -> str:
    try:
        return run.model_sha256()
    except AezooError:
        return ""


def _picture(path: Path, name: str) -> Picture:
    """A PNG of the run itself: a page is sent to others, and a link may lead anywhere."""
    file = path / f"{name}.png"
    try:
        if file.is_symlink():
            return Picture(why=f"{file.name} is a link, and a page shows files of the run only")
        if not file.exists():
            return Picture(why=f"the run directory holds no {file.name}")
        if not file.is_file():
            return Picture(why=f"{file.name} is no file")
        if file.stat().st_size > LARGEST_PICTURE:
            return Picture(why=f"{file.name} has more than {LARGEST_PICTURE // 10**6} MB")
        content = file.read_bytes()
    except OSError as err:
        return Picture(why=f"{file.name} cannot be read: {err.strerror}")
    fault = _png_fault(content)
    return Picture(why=f"{file.name} is no whole PNG: {fault}") if fault else Picture(content)


def _png_fault(content: bytes) -> str:
    """What is wrong with a PNG; empty for a whole one. Its pixels are not decoded."""
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"):  # of very many pixels: there may be, of many rows
            Image.open(io.BytesIO(content), formats=["PNG"]).verify()
    except Exception as err:  # PIL raises a dozen kinds
        return f"{type(err).__name__}: {err}".partition(" <_io")[0]
    return ""
