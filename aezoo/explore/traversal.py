"""Test images moved along the direction of an attribute or a class."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.explore.codes import check_steps, choose, decode, posterior_of, read
from aezoo.functional.directions import mean_difference
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data, Split

WHERE = "--attribute"


@dataclass(frozen=True)
class Traversal:
    """Images, and what adding multiples of an attribute's direction makes of them.

    title:      where the direction leads
    x_hat:      decoded codes [N, K, *shape]
    codes:      [N, K, m]
    direction:  between the training images with and without the attribute [m]
    multiples:  of the direction, float64 [K]; 0 is the reconstruction
    x:          the images [N, *shape], which do not have the attribute
    rows:       their numbers in the test split, int64 [N]
    """

    title: str
    x_hat: Tensor
    codes: Tensor
    direction: Tensor
    multiples: Tensor
    x: Tensor
    rows: Tensor


@dataclass(frozen=True)
class Contrast:
    """Two groups of rows: those with an attribute or of a class, and the others or those of another class.

    title:   of the first group, and where it is reached from
    without: the second group in words
    column:  of the attribute; None: classes
    labels:  of the two classes; the second one None: all others
    """

    title: str
    without: str
    column: int | None = None
    labels: tuple[int, int | None] = (0, None)

    def groups(self, split: Split) -> tuple[Tensor, Tensor]:
        """Which rows are in the first and which in the second group, bool [N] each."""
        if self.column is not None:
            assert split.attributes is not None, "an attribute of a split without any"
            has = split.attributes[:, self.column] > 0
            return has, ~has
        assert split.labels is not None, "a class of a split without any"
        wanted, other = self.labels
        has = split.labels == wanted
        return has, ~has if other is None else split.labels == other


def traverse(
    model: Autoencoder,
    data: Data,
    attribute: str,
    *,
    n: int = 8,
    range: tuple[float, float] = (-2.0, 2.0),
    steps: int = 9,
    seed: int = 0,
) -> Traversal:
    """An attribute's direction, times equally spaced numbers of the range, added to codes of test images.

    The direction is the mean code of training images that have the attribute minus that of those without.

    attribute:  its name; or a class by name or number, against all others; or "A,B": to class A from class B

    Raises:  ConfigError for an unknown attribute, data without any, and too few images
    """
    check_steps(steps)
    contrast = contrast_of(data, attribute)
    multiples = _multiples(range, steps)
    groups = _both(contrast, data)
    without = contrast.groups(data.test)[1].nonzero()[:, 0]
    rows = without[choose(len(without), n, seed, "traverse", f"test images {contrast.without}")]
    direction = mean_difference(posterior_of(model, data, data.train).z, *groups)
    x = read(data, data.test, rows).to(model.device)
    z = model.encode(x).z
    codes = z[:, None] + multiples.to(z)[:, None] * direction.to(z)  # [N, 1, m] + [K, 1] * [m]
    return Traversal(contrast.title, decode(model, codes), codes, direction, multiples, x, rows)


def contrast_of(data: Data, text: str) -> Contrast:
    """The groups that an attribute's or a class's name stands for.

    Raises:  ConfigError for unknown names, with the nearest ones, and for data without any
    """
    attributes = _attributes(data)
    classes = _classes(data)
    if not attributes and not classes:
        raise ConfigError(
            f"{data.name} has neither attributes nor classes of both its parts, so none is '{text}'",
            where=WHERE,
            fix="use data with labels, such as images in one directory for each class",
        )
    if _fold(text) in attributes:
        place = attributes[_fold(text)]
        name = data.attributes[place]
        return Contrast(name, f"without {name}", column=place)
    if _fold(text) in classes:
        label = classes[_fold(text)]
        return Contrast(_title(data, label), f"not of {_title(data, label)}", labels=(label, None))
    names = [part.strip() for part in text.split(",")]
    if len(names) == 2 and classes:
        return _between(data, classes, names)
    raise _unknown(data, text, [*data.attributes] * bool(attributes) + [*data.classes] * bool(classes))


def _between(data: Data, classes: Mapping[str, int], names: list[str]) -> Contrast:
    for name in names:
        if _fold(name) not in classes:
            raise _unknown(data, name, [*data.classes])
    wanted, other = (classes[_fold(name)] for name in names)
    if wanted == other:
        raise ConfigError(
            f"'{','.join(names)}' leads from a class to itself", where=WHERE, fix="name two classes"
        )
    title, start = _title(data, wanted), f"of {_title(data, other)}"
    return Contrast(f"{title} from {_title(data, other)}", start, labels=(wanted, other))


def _both(contrast: Contrast, data: Data) -> tuple[Tensor, Tensor]:
    groups = contrast.groups(data.train)
    for group, words in zip(groups, (f"of {contrast.title}", contrast.without), strict=True):
        if not group.any():
            raise ConfigError(
                f"{data.name} has no training image {words}",
                where=WHERE,
                fix="choose an attribute that some training images have and others do not",
            )
    return groups


def _multiples(range: tuple[float, float], steps: int) -> Tensor:
    low, high = range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(
            f"the range {low:g},{high:g} is empty",
            where="--range",
            fix="give two numbers, the smaller one first",
        )
    shares = torch.arange(steps, dtype=torch.float64) / (steps - 1)
    return low + (high - low) * shares


def _attributes(data: Data) -> dict[str, int]:
    """Columns of the attributes by name."""
    if data.train.attributes is None or data.test.attributes is None:
        return {}
    return {_fold(name): column for column, name in enumerate(data.attributes)}


def _classes(data: Data) -> dict[str, int]:
    """Numbers of the classes, by number and by name; where the two are at odds the name counts."""
    if data.train.labels is None or data.test.labels is None:
        return {}
    count = max(len(data.classes), int(data.train.labels.max()) + 1)
    numbers = {str(label): label for label in range(count)}
    return numbers | {_fold(name): label for label, name in enumerate(data.classes)}


def _title(data: Data, label: int) -> str:
    name = data.classes[label] if label < len(data.classes) else str(label)
    return f"class {name}"


def _fold(name: str) -> str:
    """Names are compared without case, and with "Big Nose" for Big_Nose."""
    return name.strip().casefold().replace(" ", "_")


def _unknown(data: Data, text: str, names: list[str]) -> ConfigError:
    by_folded = {_fold(name): name for name in names}
    close = [by_folded[name] for name in difflib.get_close_matches(_fold(text), by_folded, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(repr(name) for name in close)}? " if close else ""
    return ConfigError(
        f"{data.name} has no attribute and no class '{text}'",
        where=WHERE,
        fix=f"{hint}there is: {', '.join(names) or 'classes by number alone'}",
    )
