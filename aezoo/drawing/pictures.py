"""Pictures of a finished run: grids of images, clouds of vectors, curves of losses.

matplotlib and PIL are imported where they are used; pyplot, with its global state, never is.
"""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.functional.directions import principal_components

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

SIDE = 48  # pixels an image is at least enlarged to, so that 8x8 digits can be read
LINE = 2  # pixels between images
GREY = 128  # of the lines, and of places without an image
DPI = 120  # of a figure as PNG


def grid(images: Tensor, columns: int = 8, range: tuple[float, float] = (0.0, 1.0)) -> Image:
    """Images in rows, enlarged without smoothing, with thin grey lines in between.

    One channel is grey, three are colours; of two the first is shown, of more the first three.
    Values outside the range are cut, and those that are no number are shown as its lower end.

    Shapes:  images: [N, C, H, W] in `range`, on any device
    Raises:  ConfigError when there is no image, or they have another shape
    """
    from PIL import Image

    if images.dim() != 4 or 0 in images.shape or columns < 1:
        raise ConfigError(
            f"cannot arrange a tensor of shape {tuple(images.shape)} in {columns} columns",
            fix="give images [N, C, H, W], at least one, and one column or more",
        )
    times = math.ceil(SIDE / images.shape[3])
    large = _bytes(images, range).repeat_interleave(times, dim=2).repeat_interleave(times, dim=3)
    return Image.fromarray(_sheet(large, columns).numpy())


def plain(image: Tensor, range: tuple[float, float] = (0.0, 1.0)) -> Image:
    """One image [C, H, W] at its own size, pixel by pixel."""
    from PIL import Image

    pixels = _bytes(image[None], range)[0]
    return Image.fromarray((pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0)).numpy())


def pairs(x: Tensor, x_hat: Tensor, columns: int = 8, range: tuple[float, float] = (0.0, 1.0)) -> Image:
    """Images above their reconstructions: rows 1, 3, 5 ... are real.

    Shapes:  x, x_hat: [N, C, H, W] in `range`
    Raises:  ConfigError when the two differ in shape
    """
    if x.shape != x_hat.shape:
        raise ConfigError(
            f"images {tuple(x.shape)} and reconstructions {tuple(x_hat.shape)} differ in shape",
            fix="give one reconstruction for each image",
        )
    columns = max(1, min(columns, len(x)))
    whole = len(x) - len(x) % columns or len(x)  # a last row that is not full is left out
    rows = zip(x[:whole].split(columns), x_hat[:whole].split(columns), strict=True)
    return grid(torch.cat([part.detach().cpu() for row in rows for part in row]), columns, range)


def scatter(vectors: Tensor, generated: Tensor, points: int = 2000) -> Figure:
    """Real and generated vectors on the first two principal components of the real ones.

    Shapes:  vectors: [N, D], generated: [M, D]; at most the first `points` of each are drawn
    """
    from matplotlib.figure import Figure

    components = principal_components(vectors.detach().cpu())
    figure = Figure(figsize=(6, 6), layout="constrained")
    ax = figure.add_subplot()
    for name, rows, colour in (("real", vectors, "0.6"), ("generated", generated, "C0")):
        flat = components.coordinates(rows[:points].detach().cpu())
        ax.scatter(flat[:, 0].tolist(), flat[:, 1].tolist(), s=4, color=colour, label=name)
    ax.set(xlabel="first principal component", ylabel="second principal component")
    ax.legend(markerscale=3)
    return figure


def curves(metrics_lines: Iterable[Mapping[str, Any]]) -> Figure:
    """Each phase's terms over the steps, one plot per phase.

    metrics_lines:  as in metrics.jsonl, such as {"step": 10, "autoencoder/mse": 1.2}; keys
                    without a slash are no terms, and values that are no finite number are skipped
    """
    from matplotlib.figure import Figure

    phases = _by_phase(metrics_lines)
    figure = Figure(figsize=(7, 2.6 * max(1, len(phases))), layout="constrained")
    for place, (phase, terms) in enumerate(phases.items(), start=1):
        ax = figure.add_subplot(len(phases), 1, place)
        for term, points in terms.items():
            ax.plot(*zip(*points, strict=True), label=term, linewidth=1)
        ax.set(title=phase, xlabel="step")
        ax.legend(fontsize="small")
    return figure


def png(picture: Image | Figure) -> bytes:
    """A picture as the bytes of a PNG file, the same for the same picture."""
    from PIL.Image import Image

    buffer = io.BytesIO()
    if isinstance(picture, Image):
        picture.save(buffer, format="PNG")
    else:  # a bare Figure draws with Agg, in memory, whatever backend the user has chosen
        picture.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: Figure) -> bytes:
    """A figure as the bytes of an SVG file, the same for the same figure; its letters are outlines."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "aezoo", "svg.fonttype": "path", "svg.image_inline": True}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _bytes(images: Tensor, range: tuple[float, float]) -> Tensor:
    low, high = range
    x = (images.detach().cpu().float() - low) / (high - low)
    x = (torch.nan_to_num(x, nan=0.0) * 255).round().clamp(0, 255).to(torch.uint8)
    channels = x.shape[1]
    return x[:, :1] if channels < 3 else x[:, :3]


def _sheet(images: Tensor, columns: int) -> Tensor:
    """uint8 [N, C, H, W] -> one sheet [height, width] or [height, width, 3]."""
    n, channels, height, width = images.shape
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    size = (channels, rows * (height + LINE) - LINE, columns * (width + LINE) - LINE)
    sheet = torch.full(size, GREY, dtype=torch.uint8)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + LINE), (i % columns) * (width + LINE)
        sheet[:, top : top + height, left : left + width] = image
    return sheet[0] if channels == 1 else sheet.permute(1, 2, 0).contiguous()


Points = list[tuple[float, float]]


def _by_phase(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Points]]:
    phases: dict[str, dict[str, Points]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        for key, value in line.items():
            phase, slash, term = key.partition("/")
            if slash and isinstance(value, int | float) and math.isfinite(value):
                phases[phase][term].append((float(line["step"]), float(value)))
    return phases
