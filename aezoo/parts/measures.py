"""What measuring is made of: the spaces that sets are compared in, and the metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import Tensor, nn

if TYPE_CHECKING:
    from aezoo.evaluation.measuring import Evaluation


class Extractor(nn.Module, ABC):
    """Images or vectors to features: the space in which sets of them are compared. It is never trained here.

    It is built as `Extractor(shape=..., **settings)` with the shape of one row.

    takes:    what it can be built for
    instead: metric name -> the metrics that take its place on these features, where everybody knows theirs by
             another name, or from another library
    layer:   which of a network's layers the features are, for the protocol
    resize:  how it brings images to its own size, for the protocol
    weights: the file its weights are from; empty without weights
    sha256:  of that file
    cached:  whether features take long enough to be kept on disk
    """

    takes: ClassVar[Literal["images", "vectors", "any"]] = "images"
    layer: str = ""
    resize: str = "none"
    weights: str = ""
    sha256: str = ""
    cached: ClassVar[bool] = False
    instead: Mapping[str, Sequence[SetMetric]] = MappingProxyType({})

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Features float [B, d] of x [B, *shape]: images in [0, 1] that 8 bits hold, vectors as they are."""

    def __call__(self, x: Tensor) -> Tensor:
        """nn.Module's call, with its type."""
        features: Tensor = super().__call__(x)
        return features


@dataclass(frozen=True)
class Measure:
    """What a number of a metric says.

    better:   which end is the good one; None: neither, it only describes
    summary:  one line with unit and range
    """

    better: Literal["lower", "higher"] | None
    summary: str


@dataclass(frozen=True)
class Value:
    """A number of a metric that says itself what it is of.

    measure:   one of the metric's
    of:        what was measured, such as `codes` or `gen-tr`: a row of the table
    space:     the extractor it was measured with; empty: none
    protocol:  fields of `Protocol` that are not what the evaluation says of all numbers, such as the split or
               how many rows were looked at
    """

    measure: str
    value: float
    of: str
    space: str = ""
    protocol: Mapping[str, Any] = field(default_factory=dict)


class Metric(ABC):
    """What all metrics say of themselves.

    measures:  name -> what it says; with an extractor, results call it `name[extractor]`
    quick:     whether it belongs to the short evaluation that ends a training
    bare:      whether results leave `[extractor]` out, as for names that belong to one extractor alone
    engine:    whose code computes it, for the protocol
    """

    measures: Mapping[str, Measure]
    quick: ClassVar[bool] = False
    bare: ClassVar[bool] = False
    engine: str = "aezoo"


class SetMetric(Metric):
    """Numbers that compare two sets of features, whatever made them.

    spans:  whether it wants sets that span the features: with fewer rows than these a warning says so
    """

    spans: ClassVar[bool] = False

    @abstractmethod
    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float | str]:
        """A value for each measure: fake [N, d] generated, real [M, d] from the test split, float32.

        A text instead of a number says why these sets have none; a ConfigError says so of all measures.
        """


class PairMetric(Metric):
    """Numbers that compare each x with its own x_hat."""

    @abstractmethod
    def compare(self, x: Tensor, x_hat: Tensor) -> Mapping[str, Tensor]:
        """Values row by row, [B]: x, x_hat [B, *shape]; their mean is the result.

        A measure that makes no sense for such rows (a picture's, of vectors) is left out.
        """


class ModelMetric(Metric):
    """Numbers of a run that need more than two sets: its codes, its training images, its likelihood."""

    @abstractmethod
    def measure(self, evaluation: Evaluation) -> Iterable[Value]:
        """The values that this run has; none where the metric does not apply."""
