"""Small frozen values that travel between the parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from aezoo.errors import ConfigError

Terms = dict[str, Tensor]
"""Named scalars, mean over the batch, weights applied. Their sum is a loss; each is logged by name."""


@dataclass(frozen=True)
class Posterior:
    """What an encoder says of a batch of images.

    z:        code, sample or point [B, m], always flat
    mean:     [B, m] and
    log_var:  [B, m], both there only if z ~ N(mean, exp(log_var)) exactly
    log_q:    log q(z|x) of this very z, nats [B]

    A subclass may carry more (an index, a code before quantisation).
    """

    z: Tensor
    mean: Tensor | None = None
    log_var: Tensor | None = None
    log_q: Tensor | None = None


def require(posterior: Posterior, *fields: str, by: str) -> tuple[Tensor, ...]:
    """The named fields of a posterior, or an error that says who needs which missing one.

    Raises:  ConfigError when the encoder does not give a field
    """
    missing = [name for name in fields if getattr(posterior, name, None) is None]
    if missing:
        raise ConfigError(
            f"{by} needs {', '.join(missing)}, which this encoder does not give",
            where="encoder.name",
            fix="choose an encoder that gives it (`aezoo list encoder`), or another divergence",
        )
    return tuple(getattr(posterior, name) for name in fields)


class Rows(Protocol):
    """Rows that are read when they are asked for; a tensor [N, *shape] can do the same."""

    def __len__(self) -> int:
        """N."""

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        """Some rows [n, *shape]: a range, or those with the indices int64 [n]."""

    def split(self, size: int) -> Iterable[Tensor]:
        """All rows in order, at most `size` at a time."""


@dataclass(frozen=True)
class Split:
    """One part of a dataset, in memory or read as needed.

    values:      uint8 or float32 [N, *shape]; rows that are read as needed are uint8
    labels:      class of each row, int64 [N], where there are classes
    attributes:  uint8 [N, A], 1 where a row has the attribute, where there are any
    """

    values: Tensor | Rows
    labels: Tensor | None = None
    attributes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Data:
    """A dataset: what it declares about `x`, and its rows.

    shape:   (C, H, W) for images, (D,) for vectors
    range:   smallest and largest value of x; None for unbounded vectors
    scale:   x = values * scale, for values kept as small integers
    train, validation, test:  the rows; nothing is ever fitted on `test`
    flip:    mirror half of the training images left to right, chosen anew in every minibatch
    """

    name: str
    shape: tuple[int, ...]
    range: tuple[float, float] | None
    train: Split
    test: Split
    validation: Split | None = None
    scale: float = 1.0
    classes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    flip: bool = False

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3

    def x(self, values: Tensor) -> Tensor:
        """Rows as the parts see them: float32 in `range`."""
        return values.float() * self.scale if self.scale != 1.0 else values.float()
