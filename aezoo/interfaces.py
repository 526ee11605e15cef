"""What a part is. Empty on purpose: a concrete part sits one level below and says what it computes.

When each method is called, and by whom, stands in its docstring; DESIGN terms in `docs/concepts.md`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from aezoo.optim import OptimizerConfig
from aezoo.types import Data, Posterior, Terms

if TYPE_CHECKING:
    from aezoo.evaluation.measuring import Evaluation
    from aezoo.fitting import Fitting
    from aezoo.model import Autoencoder
    from aezoo.step import Step


@dataclass(frozen=True)
class Phase:
    """A loss, and the only weights it may move.

    name:   unique in a model; the schedule string and `[optimizer.NAME]` refer to it
    loss:   step -> terms; their sum is differentiated with respect to `moves` alone
    moves:  modules (all their weights but those `apart`) or single parameters
    optim:  its own default optimizer, or the names of phases whose optimizers it steps
    role:   `critic` phases are repeated before `player` phases in the default schedule
    when:   asked each time the schedule comes to it; from saved state only, so that resume is exact
    after:  called without gradient right after its weights moved, such as a projection
    """

    name: str
    loss: Callable[[Step], Terms]
    moves: Sequence[nn.Module | nn.Parameter]
    optim: OptimizerConfig | tuple[str, ...] = OptimizerConfig()
    role: Literal["critic", "player"] = "player"
    when: Callable[[Step], bool] | None = None
    after: Callable[[], None] | None = None


class Component(nn.Module):
    """Every trainable part: terms of the shared autoencoder loss, and phases of its own."""

    apart: tuple[str, ...] = ()
    """Own parameters, by attribute name, that move only in a phase that names them."""

    def terms(self, step: Step) -> Terms:
        """What this part adds to the autoencoder phase. Changes no state."""
        return {}

    def phases(self, model: Autoencoder) -> Iterable[Phase]:
        """Its own alternating updates. Asked once, after assembly."""
        return ()

    def after(self, step: Step) -> None:
        """End of an iteration, without gradient: running averages, multipliers, a projection.

        It changes buffers and bounds the part's own weights; nothing else.
        """


class Encoder(Component, ABC):
    """Images to codes.

    latent_dim:    m, the size of the flat code
    latent_shape:  its shape inside, for parts that think in grids; None: flat
    """

    latent_dim: int
    latent_shape: tuple[int, ...] | None = None

    @abstractmethod
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        """The posterior of x [B, *shape]. Without a generator there is no noise: z is the mean."""

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        """nn.Module's call, with its type."""
        posterior: Posterior = super().__call__(x, generator)
        return posterior


class Decoder(Component, ABC):
    """Codes to images."""

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """x_hat [B, *shape] of z [B, m], in the dataset's range."""

    def __call__(self, z: Tensor) -> Tensor:
        """nn.Module's call, with its type."""
        x_hat: Tensor = super().__call__(z)
        return x_hat


class LatentPrior(Component, ABC):
    """Where codes of new images come from."""

    latent_dim: int

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m]. All randomness comes from the generator, which sits on the prior's device."""


class Regularizer(Component):
    """A term or an adversary beside the reconstruction; divergences are regularizers too."""


class Reconstruction(Component):
    """The cost between x and x_hat, given as terms."""


class Memory(nn.Module):
    """Training-only tensors of a part (replay pools, averages), held as buffers of a child module.

    They are saved with the trainer's state and never with the model.
    """


class Backbone(Protocol):
    """The bodies of the networks for any shape; encoders and decoders are heads on them."""

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, *shape] -> features [B, F]; the module says F as its attribute `features`."""

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, *shape], unbounded; the decoder's head brings it into the range."""


class DataSource(Protocol):
    """A dataset plugin."""

    def load(self) -> Data:
        """All rows. Raises MissingError when they are not on this machine."""


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
    """Numbers that compare two sets of features, whatever made them."""

    @abstractmethod
    def compare(self, fake: Tensor, real: Tensor, seed: int) -> Mapping[str, float]:
        """A value for each measure: fake [N, d] generated, real [M, d] from the test split, float32."""


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


# Capabilities: what some parts can do besides, asked for by whoever needs it.


@runtime_checkable
class HasLikelihood(Protocol):
    """A reconstruction cost that is the negative logarithm of a density p(x | z)."""

    def log_likelihood(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """log p(x | z), nats [B], of x [B, *shape] where the decoder gives x_hat."""


@runtime_checkable
class HasDensity(Protocol):
    """A prior with an exact, deterministic density."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), nats: z [n, m] -> [n]."""


@runtime_checkable
class HasKL(Protocol):
    """A prior that knows KL(q(z|x) || p(z)) better than one sample does."""

    def kl(self, posterior: Posterior, generator: torch.Generator) -> Tensor:
        """The divergence per example, nats [B]."""


@runtime_checkable
class FittedPrior(Protocol):
    """A prior fitted after training, on codes of the training split.

    during:  the prior in force while the autoencoder trains: a name, a section, or "none"
    reads:   the fields of Posterior that `fit` looks at

    It also keeps a bool buffer `fitted`, and sampling before `fit` is an error. The buffer is not listed
    here: isinstance looks attributes up statically from Python 3.12 on, and finds no buffers.
    """

    during: str | dict[str, Any]
    reads: tuple[str, ...]

    def fit(self, codes: Posterior, fitting: Fitting) -> None:
        """Fit to the codes (evaluation mode, no noise, all rows)."""


@runtime_checkable
class Attached(Protocol):
    """A part that needs another one: called once when all parts exist, before phases are asked.

    A held part is no submodule: keep it as `self._held = (part,)`, or its weights appear twice.
    """

    def attach(self, model: Autoencoder) -> None:
        """Take hold of other parts, wrap their layers, or refuse parts that do not go together."""
