"""What a report shows of a run that takes its model: paths, neighbours, codes; each, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from aezoo.data.memory import fits, is_streamed
from aezoo.drawing import pictures
from aezoo.errors import AezooError
from aezoo.explore.cloud import Cloud, latent
from aezoo.explore.codes import open_run
from aezoo.explore.interpolation import interpolate
from aezoo.explore.nearest import neighbours
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data
from aezoo.report import Looks, Picture, Points
from aezoo.training.progress import Progress, Silence

if TYPE_CHECKING:
    from PIL.Image import Image

ROWS, STEPS, NEAREST, CODES = 6, 9, 4, 600
GAP = 10  # pixels between groups of columns, which nothing covers
VECTORS = "the data are vectors, not images"
STREAMED = "the training data do not fit into memory: `aezoo neighbours` reads them all"


def gallery(
    runs: Mapping[str, Path], progress: Progress | None = None, *, trust: bool = False
) -> dict[str, Looks]:
    """What each run shows, by label. One that cannot be loaded says why, one that may not be too."""
    bar = progress or Silence()
    bar.start("pictures", len(runs), 0)
    found = {}
    for number, (label, path) in enumerate(runs.items(), start=1):
        found[label] = looks(path, trust=trust)
        bar.advance(number)
    bar.finish()
    return found


def looks(path: Path, *, trust: bool = False) -> Looks:
    """What one run shows."""
    try:
        model, data = open_run(path, trust=trust)
    except Exception as err:  # parts of others are loaded here, which may break in any way
        why = f"the run cannot be loaded: {reason(err, path)}"
        return Looks(Picture(why=why), Picture(why=why), Points(why=why))
    return Looks(
        _or_why(lambda: _paths(model, data), path),
        _or_why(lambda: _nearest(model, data), path),
        _codes(model, data, path),
    )


def reason(err: Exception, path: Path) -> str:
    """A fault on one line; of the run's path only its name."""
    said = f"{type(err).__name__}: {err}"
    if isinstance(err, AezooError):
        said = err.what + (f" ({err.fix})" if err.fix else "")
    text = " ".join(said.split())
    return text.replace(str(path.resolve()), path.name).replace(str(path), path.name)


def _or_why(make: Callable[[], Picture], path: Path) -> Picture:
    try:
        return make()
    except Exception as err:  # as above
        return Picture(why=reason(err, path))


def _paths(model: Autoencoder, data: Data) -> Picture:
    if not data.is_image:
        return Picture(why=VECTORS)
    found = interpolate(model, data, n=min(ROWS, len(data.test) // 2), steps=STEPS)
    first, last = found.x[:, :1], found.x[:, 1:]
    return _picture([first, found.x_hat, last], data, f"{STEPS} points of each line")


def _nearest(model: Autoencoder, data: Data) -> Picture:
    if not data.is_image:
        return Picture(why=VECTORS)
    if is_streamed(data) and not fits(data, model.device):
        return Picture(why=STREAMED)
    found = neighbours(model, data, n=ROWS, k=min(NEAREST, len(data.train)))
    nearest = float(found.distance[:, 0].min())
    return _picture([found.x_hat[:, None], found.nearest], data, f"smallest L2 distance {nearest:.3g}")


def _picture(groups: Sequence[Tensor], data: Data, note: str) -> Picture:
    """Groups of columns [R, C, *shape] side by side."""
    range = data.range or (0.0, 1.0)
    sheets = [pictures.grid(group.flatten(0, 1), group.shape[1], range) for group in groups]
    return Picture(pictures.png(_beside(sheets)), note)


def _beside(sheets: Sequence[Image]) -> Image:
    """Pictures of one height in a row; what is between them is transparent."""
    from PIL import Image

    width = sum(sheet.width for sheet in sheets) + GAP * (len(sheets) - 1)
    whole = Image.new("RGBA", (width, sheets[0].height), (0, 0, 0, 0))
    left = 0
    for sheet in sheets:
        whole.paste(sheet.convert("RGBA"), (left, 0))
        left += sheet.width + GAP
    return whole


def _codes(model: Autoencoder, data: Data, path: Path) -> Points:
    try:
        found = latent(model, data, n=min(CODES, len(data.test)))
    except Exception as err:  # as above
        return Points(why=reason(err, path))
    if not torch.isfinite(found.prior).all():
        return Points(why="the prior draws codes that hold no finite numbers")
    return Points(_by_class(found, data.classes), _pairs(found.prior), (_axis(found, 0), _axis(found, 1)))


def _by_class(found: Cloud, classes: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    present = [] if found.labels is None else sorted(set(found.labels.tolist()))
    if not 0 < len(present) <= 10:  # of more, colours would not tell them apart
        return {"test rows": _pairs(found.codes)}
    return {_name(label, classes): _pairs(found.codes[found.labels == label]) for label in present}


def _name(label: int, classes: Sequence[str]) -> str:
    return classes[label] if label < len(classes) else str(label)


def _pairs(points: Tensor) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points.tolist()]


def _axis(found: Cloud, place: int) -> str:
    if found.explained is None:
        return f"code {place + 1}"
    word = ("first", "second")[place]
    return f"{word} principal component {100 * float(found.explained[place]):.0f} %"
