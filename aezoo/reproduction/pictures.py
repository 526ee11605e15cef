"""The figures of an experiment, drawn from its runs. matplotlib is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from aezoo.drawing import pictures
from aezoo.errors import ConfigError
from aezoo.reproduction.evidence import Evidence
from aezoo.reproduction.experiment import Experiment
from aezoo.tables.cell import Outcome
from aezoo.tables.statistics import mean_and_std

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

    from aezoo.parts.types import Data

Named = tuple[str, str, bytes | None]  # the end of a file's name, what is seen, a PNG; none: no model to draw
PER_RUN = ("reconstructions", "samples", "interpolation", "neighbours")
PANEL = 3.2  # inches


def draw_all(experiment: Experiment, outcomes: Sequence[Outcome], found: Evidence) -> Iterator[Named]:
    """Every picture that the experiment asks for and its finished runs allow.

    Names are `curve`, `latent`, `rows`, `reconstructions`, `samples`, `interpolation`, `neighbours:SPACE` and
    `attributes:A,B`; those of images are drawn for the first seed of every method and dataset. Without the
    model of a run, as beside a page, no picture of it can be drawn.

    Raises:  ConfigError for another name
    """
    for name in experiment.pictures:
        kind, _, argument = name.partition(":")
        if kind == "curve":
            yield from _curve(experiment, found)
        elif kind == "latent":
            yield from _latent(experiment, outcomes, found)
        elif kind == "rows":
            yield from _over_rows(experiment, found)
        elif kind in (*PER_RUN, "attributes"):
            for outcome in _first_seeds(outcomes):
                draw = _of_run if _has_model(outcome) else _undrawn
                yield from draw(kind, argument, outcome)
        else:
            raise ConfigError(f"no picture is called '{name}'", where="pictures", fix="see the module's list")


def _title(experiment: Experiment, method: str) -> str:
    return next((row.title for row in experiment.row if row.method == method), method)


def _first_seeds(outcomes: Sequence[Outcome]) -> list[Outcome]:
    first: dict[tuple[str, str], Outcome] = {}
    for outcome in outcomes:
        if not outcome.failure:
            first.setdefault((outcome.cell.method, outcome.cell.dataset), outcome)
    return list(first.values())


# -- over training -------------------------------------------------------------------------------------

_CURVES = {"wasserstein": "W(codes, prior)", "relative": "W over the codes' spread", "fd": "generation FD"}


def _curve(experiment: Experiment, found: Evidence) -> Iterator[Named]:
    if not any(points for seeds in found.curves.values() for points in seeds.values()):
        return
    figure, axes = _panels(len(_CURVES))
    for ax, (name, title) in zip(axes, _CURVES.items(), strict=True):
        for place, ((method, _), seeds) in enumerate(found.curves.items()):
            for seed, points in enumerate(seeds.values()):
                label = _title(experiment, method) if seed == 0 else None
                steps, values = [point["step"] for point in points], [point[name] for point in points]
                ax.plot(steps, values, color=f"C{place}", label=label, linewidth=1, marker=".")
        ax.set(title=title, xlabel="iteration", yscale="log")
    axes[0].legend()
    yield "curve", "Over training, each seed a line", pictures.png(figure)


# -- codes in the plane --------------------------------------------------------------------------------


def _latent(experiment: Experiment, outcomes: Sequence[Outcome], found: Evidence) -> Iterator[Named]:
    from aezoo import explore

    shown = _first_seeds(outcomes)
    if not shown:
        return
    seen = "Codes of test rows by component, over draws from the prior in grey"
    if not all(map(_has_model, shown)):
        yield "latent", seen, None
        return
    figure, axes = _panels(len(shown))
    for ax, outcome in zip(axes, shown, strict=True):
        cell = outcome.cell
        model, data = explore.open_run(cell.path)
        cloud = explore.latent(model, data)
        colours = None if cloud.labels is None else [f"C{int(label) % 10}" for label in cloud.labels]
        ax.scatter(*_xy(cloud.prior), s=3, color="0.75", linewidths=0)
        ax.scatter(*_xy(cloud.codes), s=3, c=colours, linewidths=0)
        values = found.of(cell.method, cell.dataset, "generation/fd")
        distance = f", FD {values[cell.seed]:.3g}" if cell.seed in values else ""
        ax.set_title(f"{_title(experiment, cell.method)}{distance}", fontsize=9)
    yield "latent", seen, pictures.png(figure)


def _has_model(outcome: Outcome) -> bool:
    return (outcome.cell.path / "model.safetensors").is_file()


def _xy(points: Tensor) -> tuple[list[float], list[float]]:
    return points[:, 0].tolist(), points[:, 1].tolist()


# -- over the rows of the table ------------------------------------------------------------------------


def _over_rows(experiment: Experiment, found: Evidence) -> Iterator[Named]:
    """Each column of the table over its rows, with the standard deviation over seeds."""
    shown = [dataset for dataset in experiment.dataset if any(key[1] == dataset.name for key in found.values)]
    if not shown:
        return
    figure, axes = _panels(len(shown))
    for ax, dataset in zip(axes, shown, strict=True):
        for column in experiment.column:
            series = [
                (row.title, list(found.of(row.method, dataset.name, column.measure).values()))
                for row in experiment.row
            ]
            have = [(title, *mean_and_std(values)) for title, values in series if values]
            titles, means, stds = zip(*have, strict=True) if have else ((), (), ())
            spread = [std or 0.0 for std in stds]
            ax.errorbar(titles, means, yerr=spread, marker="o", capsize=3, label=column.title)
        ax.set(title=dataset.title, yscale="log")
        ax.tick_params(axis="x", labelrotation=20)
        ax.legend()
    yield "rows", "Mean and standard deviation over seeds", pictures.png(figure)


def _panels(count: int) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PANEL * max(count, 1) + 0.6, PANEL + 0.4), layout="constrained")
    return figure, figure.subplots(1, count, squeeze=False)[0].tolist()


# -- images --------------------------------------------------------------------------------------------


def _end(kind: str, argument: str, outcome: Outcome) -> str:
    cell = outcome.cell
    return f"{kind}-{argument}-{cell.method}-{cell.dataset}".replace(":", "-").replace("--", "-")


def _caption(kind: str, argument: str, outcome: Outcome) -> str:
    captions = {
        "reconstructions": "Test images above their reconstructions",
        "samples": "64 random samples",
        "interpolation": "Linear interpolation between test images",
        "neighbours": f"Samples and their nearest training images in {argument}",
        "attributes": f"Towards {argument}",
    }
    cell = outcome.cell
    return f"{captions[kind]}: {cell.method} on {cell.dataset}, seed {cell.seed}"


def _undrawn(kind: str, argument: str, outcome: Outcome) -> Iterator[Named]:
    """What `_of_run` would draw."""
    end = _end(kind, argument, outcome)
    if kind != "attributes":
        yield end, _caption(kind, argument, outcome), None
        return
    for attribute in argument.split(","):
        yield f"{end}-{attribute}", _caption(kind, attribute, outcome), None


def _of_run(kind: str, argument: str, outcome: Outcome) -> Iterator[Named]:
    from aezoo import explore
    from aezoo.explore import drawing
    from aezoo.randomness import generator_for

    model, data = explore.open_run(outcome.cell.path)
    end, seen = _end(kind, argument, outcome), _caption(kind, argument, outcome)
    bounds = data.range or (0.0, 1.0)
    if kind == "reconstructions":
        x = data.x(data.test.values[:16]).to(model.device)
        image = pictures.pairs(x, model.reconstruct(x), range=bounds)
        yield end, seen, pictures.png(image)
    elif kind == "samples":
        samples = model.sample(64, generator_for(model.device, 0, "sample"))
        yield end, seen, pictures.png(pictures.grid(samples, range=bounds))
    elif kind == "interpolation":
        figure = drawing.interpolation(explore.interpolate(model, data, n=5), bounds)
        yield end, seen, pictures.png(figure)
    elif kind == "neighbours":
        near = explore.neighbours(model, data, n=5, features=_space(argument, outcome, data))
        figure = drawing.neighbours(near, bounds, space=argument)
        yield end, seen, pictures.png(figure)
    else:
        for attribute in argument.split(","):
            try:
                moved = explore.traverse(model, data, attribute, n=2)
            except ConfigError:  # a dataset without that attribute
                continue
            figure = drawing.traversal(moved, bounds)
            yield f"{end}-{attribute}", _caption(kind, attribute, outcome), pictures.png(figure)


def _space(name: str, outcome: Outcome, data: Data) -> Callable[[Tensor], Tensor]:
    """What an extractor sees; by the name `features` that which the dataset brings along."""
    from aezoo.device import choose_device
    from aezoo.evaluation.choosing import named_spaces
    from aezoo.evaluation.sets import as_bytes
    from aezoo.rundir.open import read_config
    from aezoo.rundir.rundir import RunDir

    chosen, config = () if name == "features" else (name,), read_config(RunDir(outcome.cell.path), warn=False)
    (space,) = named_spaces(chosen, config, data, choose_device("cpu")).values()
    return lambda x: space.features(as_bytes(x, data.range))
