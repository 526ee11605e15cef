"""Figures of what was found. matplotlib and PIL are imported where they are used; pyplot never is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from aezoo.drawing import pictures
from aezoo.explore.cloud import Cloud
from aezoo.explore.interpolation import Interpolation
from aezoo.explore.lineup import Lineup
from aezoo.explore.nearest import Neighbours
from aezoo.explore.traversal import Traversal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 12  # pixels between groups of columns
MARGIN = 10  # pixels around
LINE_OF_TEXT = 18  # pixels a line of text needs
LETTER = 7  # pixels a letter of the title needs
NOTE = 48  # pixels a note needs
NAMED = 20  # classes that a legend can hold, and that colours can tell apart

Range = tuple[float, float]


@dataclass(frozen=True)
class ImageColumns:
    """Some columns of a table of images: x [R, C, *shape], and what stands above them."""

    x: Tensor
    titles: Sequence[str]


def interpolation(found: Interpolation, range: Range, *, real: bool = True) -> Figure:
    """A row for each pair: the paths, between the real images."""
    steps = found.x_hat.shape[1]
    middle = ImageColumns(found.x_hat, [f"{k / (steps - 1):.2g}" for k in _numbers(steps)])
    if not real:
        return table([middle], range)
    first, last = (ImageColumns(found.x[:, end : end + 1], ["real"]) for end in (0, 1))
    return table([first, middle, last], range)


def traversal(found: Traversal, range: Range) -> Figure:
    """A row for each image: itself, and what multiples of the direction make of it."""
    titles = [f"{value:+.2g}".replace("-", "−") if value else "0" for value in found.multiples.tolist()]
    groups = [ImageColumns(found.x[:, None], ["real"]), ImageColumns(found.x_hat, titles)]
    return table(groups, range, title=f"towards {found.title}")


def neighbours(found: Neighbours, range: Range, *, space: str) -> Figure:
    """A row for each generated image: itself, and the nearest training images."""
    titles = [str(k + 1) for k in _numbers(found.nearest.shape[1])]
    groups = [ImageColumns(found.x_hat[:, None], ["new"]), ImageColumns(found.nearest, titles)]
    notes = [f"{distance:.3g}" for distance in found.distance[:, 0].tolist()]
    title = f"nearest {f'in {space}' if space else 'pixel by pixel'}; distance of the first"
    return table(groups, range, title=title, notes=notes)


def lineup(found: Lineup, range: Range) -> Figure:
    """A row of test images, then a row of new ones for each run."""
    rows = {"test images": found.x, **found.x_hat}
    x = torch.stack([*rows.values()])
    return table([ImageColumns(x, [""] * x.shape[1])], range, names=[*rows])


def table(
    groups: Sequence[ImageColumns],
    range: Range,
    *,
    title: str = "",
    names: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Figure:
    """Groups of columns of images side by side, pixel by pixel, as the only thing in a figure.

    names:  one for each row, at its left
    notes:  one for each row, at its right
    """
    sheet, centres = _side_by_side(groups, range)
    height, width = sheet.shape[:2]
    left = max((LETTER * len(name) + 8 for name in names), default=0)
    room = max(width + (NOTE if notes else 0), LETTER * len(title))
    titles = [name for group in groups for name in group.titles]
    top = LINE_OF_TEXT * (2 if title else any(titles))
    figure, ax = _canvas(width, height, left=left, right=room - width, top=top)
    ax.imshow(sheet.numpy(), interpolation="none", aspect="auto", extent=(0, width, height, 0))
    for centre, name in zip(centres, titles, strict=True):
        ax.text(centre, -4, name, ha="center", va="bottom", fontsize=7)
    for row, name in enumerate(names):
        ax.text(-8, height * (row + 0.5) / len(names), name, ha="right", va="center", fontsize=7)
    for row, note in enumerate(notes):
        ax.text(width + 8, height * (row + 0.5) / len(notes), note, va="center", fontsize=7)
    ax.text(0, -4 - LINE_OF_TEXT, title, va="bottom", fontsize=8)
    return figure


def _canvas(width: int, height: int, *, left: int, right: int, top: int) -> tuple[Figure, Axes]:
    """A white figure, and axes of so many pixels in it that have nothing around them but space for text."""
    from matplotlib.figure import Figure

    across, down = left + width + right + 2 * MARGIN, height + top + 2 * MARGIN
    figure = Figure(figsize=(across / pictures.DPI, down / pictures.DPI), dpi=pictures.DPI, facecolor="white")
    ax = figure.add_axes(((MARGIN + left) / across, MARGIN / down, width / across, height / down))
    ax.set_axis_off()
    return figure, ax


def latent(found: Cloud, classes: Sequence[str] = ()) -> Figure:
    """Codes of test rows, coloured by class; beside them codes from the prior, over the former in grey."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    style: dict[str, Any] = {"s": 7, "linewidths": 0}
    left.scatter(*found.codes.T.tolist(), **style, **_colours(found.labels, len(classes)))
    right.scatter(*found.codes.T.tolist(), **style, color="0.85")
    right.scatter(*found.prior.T.tolist(), **style, color="0.15", alpha=0.6)
    left.set(title="codes of test data", ylabel=_axis(found, 1))
    right.set(title="codes from the prior, over those of test data")
    for ax in (left, right):
        ax.set(xlabel=_axis(found, 0), aspect="equal", **_square(found))
    if found.labels is not None and 0 < len(classes) <= NAMED:
        _legend(figure, found.labels, classes)
    return figure


def _side_by_side(groups: Sequence[ImageColumns], range: Range) -> tuple[Tensor, list[float]]:
    """One sheet uint8 [height, width, 3], and where the middle of each column is."""
    parts: list[Tensor] = []
    centres: list[float] = []
    left = 0
    for group in groups:
        sheet = _sheet(group.x, range)
        columns = group.x.shape[1]
        cell = (sheet.shape[1] + pictures.LINE) / columns
        centres += [left + (k + 0.5) * cell - pictures.LINE / 2 for k in _numbers(columns)]
        left += sheet.shape[1] + GAP
        parts += [sheet, torch.full((sheet.shape[0], GAP, 3), 255, dtype=torch.uint8)]
    return torch.cat(parts[:-1], dim=1), centres


def _sheet(x: Tensor, range: Range) -> Tensor:
    import numpy as np

    picture = pictures.grid(x.flatten(0, 1), x.shape[1], range).convert("RGB")
    return torch.from_numpy(np.array(picture))


def _numbers(count: int) -> list[int]:
    return [*torch.arange(count).tolist()]  # `range` is a pair of values here


def _square(found: Cloud) -> dict[str, tuple[float, float]]:
    """Limits of equal width that hold all points, however long and thin the cloud."""
    points = torch.cat([found.codes, found.prior]).double()
    low, high = points.amin(dim=0), points.amax(dim=0)
    half = 0.54 * max(float((high - low).max()), 1e-6)
    x, y = ((low + high) / 2).tolist()
    return {"xlim": (x - half, x + half), "ylim": (y - half, y + half)}


def _axis(found: Cloud, place: int) -> str:
    if found.explained is None:
        return f"code {place + 1}"
    word = ("first", "second")[place]
    return f"{word} principal component ({100 * float(found.explained[place]):.0f} %)"


def _colours(labels: Tensor | None, classes: int) -> dict[str, Any]:
    if labels is None:
        return {"color": "C0", "alpha": 0.8}
    return {"c": [_colour(label, classes) for label in labels.tolist()], "alpha": 0.8}


def _colour(label: int, classes: int) -> Any:
    """Colours that differ, as far as there are so many; else shades of a rainbow."""
    from matplotlib import colormaps

    if classes <= 10:
        return colormaps["tab10"](label % 10)
    return colormaps["tab20"](label % 20) if classes <= NAMED else colormaps["turbo"](label / classes)


def _legend(figure: Figure, labels: Tensor, classes: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker="o", color=_colour(label, len(classes)), label=classes[label])
        for label in sorted(set(labels.tolist()))
        if label < len(classes)
    ]
    figure.legend(handles=handles, loc="outside right upper", title="class", frameon=False, handletextpad=0.1)
