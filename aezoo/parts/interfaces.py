"""What a part is. Empty on purpose: a concrete part sits one level below and says what it computes.

When each method is called, and by whom, stands in its docstring; DESIGN terms in `docs/concepts.md`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from aezoo.config.optimizer import OptimizerConfig
from aezoo.parts.types import Data, Posterior, Terms

if TYPE_CHECKING:
    from aezoo.parts.autoencoder import Autoencoder
    from aezoo.training.ends import TrainingImages
    from aezoo.training.fitting import Fitting
    from aezoo.training.step import Step


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

    label: str = ""
    """Tells uses of one class in a model apart: the section's label, empty for the use under its own name."""

    def named(self, name: str) -> str:
        """The name of a phase, a term or a pass of this use: `critic`, or `second_critic` under a label."""
        return f"{self.label}_{name}" if self.label else name

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


@runtime_checkable
class Backbone(Protocol):
    """The bodies of the networks for any shape; encoders and decoders are heads on them."""

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, *shape] -> features [B, F]; the module says F as its attribute `features`."""

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, *shape], unbounded; the decoder's head brings it into the range."""


@runtime_checkable
class DataSource(Protocol):
    """A dataset plugin."""

    def load(self) -> Data:
        """All rows. Raises MissingError when they are not on this machine."""


# Capabilities: what some parts can do besides, asked for by whoever needs it.


@runtime_checkable
class HasLikelihood(Protocol):
    """A reconstruction cost that is the negative logarithm of a density p(x | z).

    With `binary = True` it is one of a probability, of zeros and ones, and x of other values is refused.
    """

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
class HasCodebook(Protocol):
    """An encoder whose codes lie on a grid. Codes of any prior are put on it before they are decoded."""

    def quantise(self, z: Tensor) -> Tensor:
        """The nearest codes of the grid: z [n, m] -> [n, m]; a gradient passes straight through.

        Codes that are on the grid stay as they are.
        """


@runtime_checkable
class InitialisedFromData(Protocol):
    """A part whose weights or buffers start from training images: pseudo-inputs, a scale, a codebook."""

    def initialise_from(self, images: TrainingImages) -> None:
        """Called once before the first iteration, without gradient; never when a run is resumed.

        What it finds out goes into weights and buffers. The model is in training mode, with still statistics.
        """


@runtime_checkable
class PausesAutoencoder(Protocol):
    """A part that something else has to train first, or in turns with the autoencoder."""

    def pauses_autoencoder(self, step: Step) -> bool:
        """Whether the autoencoder phase waits in this iteration; from saved state and `step.number` only."""


@runtime_checkable
class FinishesTraining(Protocol):
    """A part with something to settle on its last weights, such as a constant of normalisation."""

    def finish_training(self, generator: torch.Generator) -> None:
        """Called after the last iteration, in evaluation mode and without gradient.

        A fitted prior is fitted afterwards. It changes buffers alone, and more steps later go on from what
        was before it. The generator sits on the model's device.
        """


@runtime_checkable
class Attached(Protocol):
    """A part that needs another one: called once when all parts exist, before phases are asked.

    A held part is no submodule: keep it as `self._held = (part,)`, or its weights appear twice. Its weights
    count as behind every pass of the part that holds it, so that the gradient reaches them and no stale
    value outlives their move.
    """

    def attach(self, model: Autoencoder) -> None:
        """Take hold of other parts, wrap their layers, or refuse parts that do not go together."""


def moved_weights(phase: Phase) -> list[nn.Parameter]:
    """The weights a phase moves: named parameters, and all of a named module but those it keeps apart."""
    found: dict[int, nn.Parameter] = {}
    for item in phase.moves:
        if isinstance(item, nn.Parameter):
            found[id(item)] = item
            continue
        apart = {id(weight) for weight in apart_weights(item)}
        for weight in item.parameters():
            if weight.requires_grad and id(weight) not in apart:
                found[id(weight)] = weight
    return list(found.values())


def apart_weights(module: nn.Module) -> list[nn.Parameter]:
    """Weights that move only in a phase that names them."""
    return [
        getattr(part, name) for part in module.modules() if isinstance(part, Component) for name in part.apart
    ]
