"""A generative autoencoder: the parts under one roof, and the phase they share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, final

import torch
from torch import Tensor, nn

from aezoo.config.optimizer import OptimizerConfig
from aezoo.errors import ConfigError, RunFileError
from aezoo.parts.doors import take_answer, take_codes, take_images, take_phases, take_posterior, take_terms
from aezoo.parts.interfaces import (
    Attached,
    Component,
    Decoder,
    Encoder,
    FittedPrior,
    HasCodebook,
    LatentPrior,
    Memory,
    PausesAutoencoder,
    Phase,
    Reconstruction,
    Regularizer,
    apart_weights,
    moved_weights,
)
from aezoo.parts.types import Posterior, Terms

if TYPE_CHECKING:
    from aezoo.training.step import Step

T = TypeVar("T")
_CHUNK = 512  # rows decoded or encoded at once outside training; bounds memory


@final
class Autoencoder(nn.Module):
    """Encoder, decoder, prior and what shapes them.

    Weights are named `encoder.*`, `decoder.*`, `prior.*`, `reconstruction.*`, `regularizer.<name>.*`,
    and `during.*` for the prior in force while a fitted prior waits for its codes.
    """

    during: LatentPrior | None
    reconstruction: Reconstruction | None

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        prior: LatentPrior,
        *,
        shape: tuple[int, ...],
        range: tuple[float, float] | None,
        during: LatentPrior | None = None,
        reconstruction: Reconstruction | None = None,
        regularizers: Mapping[str, Regularizer] | None = None,
        divergence: str | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.range = shape, range
        self.encoder, self.decoder, self.prior = encoder, decoder, prior
        self.during = during
        self.reconstruction = reconstruction
        self.regularizer = nn.ModuleDict(dict(regularizers or {}))
        self.divergence = divergence  # which of the regularizers ties Q(z) to P(z)
        self.probe = self._probe()
        for part in self.parts():
            if isinstance(part, Attached):
                part.attach(self)

    @property
    def latent_dim(self) -> int:
        return self.encoder.latent_dim

    @property
    def reconstructs(self) -> bool:
        """Whether there is a cost between x and x_hat, and with it an autoencoder phase."""
        return self.reconstruction is not None and type(self.reconstruction).terms is not Component.terms

    @property
    def prior_in_force(self) -> LatentPrior:
        """The prior that training sees: the prior itself, or the one named by a fitted prior."""
        if not isinstance(self.prior, FittedPrior):
            return self.prior
        if self.during is None:
            raise ConfigError(
                "a part needs a prior while training, but this fitted prior trains without one",
                where="prior.during",
                fix="name one: --set prior.during=...; `aezoo list prior` shows them all",
            )
        return self.during

    def parts(self) -> list[Component]:
        """All parts that take part in training; a fitted prior waits until the end."""
        prior = self.during if isinstance(self.prior, FittedPrior) else self.prior
        candidates = [self.encoder, self.decoder, prior, self.reconstruction, *self.regularizer.values()]
        return [part for part in candidates if isinstance(part, Component)]

    # -- use ---------------------------------------------------------------------------------------

    def encode(self, x: Tensor) -> Posterior:
        """The posterior of images x [N, *shape], without noise."""
        with evaluation(self):
            chunks = [self.encoder(chunk) for chunk in x.split(_CHUNK)]
        return join(chunks)

    def decode(self, z: Tensor) -> Tensor:
        """x_hat [N, *shape] of codes z [N, m]."""
        with evaluation(self):
            return torch.cat([self.decoder(chunk) for chunk in z.split(_CHUNK)])

    def reconstruct(self, x: Tensor) -> Tensor:
        """decode(encode(x)), by way of the posterior's mean."""
        return self.decode(self.encode(x).z)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """New images x_hat [n, *shape]. Without a generator, different ones at each call."""
        return self.decode(self.sample_codes(n, generator))

    def sample_codes(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Codes z [n, m] from the prior, on the encoder's grid where it has one."""
        if generator is None:
            generator = torch.Generator(self.device)
            generator.seed()
        with evaluation(self):
            z = take_codes(self.prior.sample(n, generator), self.prior.sample, n, self.latent_dim)
            return self.on_grid(z)

    def on_grid(self, z: Tensor) -> Tensor:
        """Codes z [n, m] as this encoder gives them: the nearest of its grid, where it has one."""
        return self.encoder.quantise(z) if isinstance(self.encoder, HasCodebook) else z

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    # -- training ----------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """The autoencoder phase, then critics, then players, of all parts.

        The divergence's critics come first among the critics, its players last among the players.

        Raises:  ConfigError for weights that no phase would move
        """
        last = self.regularizer[self.divergence] if self.divergence else None
        others = [phase for part in self.parts() if part is not last for phase in self._phases_of(part)]
        ties = self._phases_of(last) if isinstance(last, Component) else []
        own = [phase for phase in (*ties, *others) if phase.role == "critic"]
        own += [phase for phase in (*others, *ties) if phase.role == "player"]
        unclaimed = self._unclaimed_weights(own)
        if not self.reconstructs:
            if unclaimed:
                raise ConfigError(
                    f"no phase moves the weight {unclaimed[0]}",
                    where="reconstruction.name",
                    fix="choose a reconstruction, or parts whose phases move every weight",
                )
            return own
        names = dict(self.named_parameters())
        moves: list[nn.Module | nn.Parameter] = [self.encoder, self.decoder]
        moves += [names[name] for name in unclaimed]
        pausing = any(isinstance(part, PausesAutoencoder) for part in self.parts())
        when = self._autoencoder_is_due if pausing else None
        return [Phase("autoencoder", self.terms, moves, OptimizerConfig(), when=when), *own]

    def _autoencoder_is_due(self, step: Step) -> bool:
        pausing = (part for part in self.parts() if isinstance(part, PausesAutoencoder))
        return not any(
            take_answer(part.pauses_autoencoder(step), part.pauses_autoencoder) for part in pausing
        )

    def terms(self, step: Step) -> Terms:
        """The terms of all parts: the loss of the autoencoder phase.

        A part that replaces that phase by its own may add them to whichever it likes.
        """
        terms: Terms = {}
        for part in self.parts():
            for name, value in take_terms(part.terms(step), part.terms).items():
                if name in terms:
                    raise ConfigError(
                        f"two parts give a term called '{name}'",
                        where="regularizer",
                        fix="leave one of them out, or let the part say self.named('...'), "
                        "which puts the label of its section before the name",
                    )
                terms[name] = value
        return terms

    def _phases_of(self, part: Component) -> list[Phase]:
        return take_phases(part.phases(self), part.phases)

    def _unclaimed_weights(self, phases: list[Phase]) -> list[str]:
        """Names of trainable weights that neither a phase nor the autoencoder's own two parts claim."""
        claimed = {id(weight) for phase in phases for weight in moved_weights(phase)}
        self._check_apart(claimed)
        if self.reconstructs:
            claimed |= {id(weight) for part in (self.encoder, self.decoder) for weight in part.parameters()}
        if isinstance(self.prior, FittedPrior):
            claimed |= {id(weight) for weight in self.prior.parameters()}
        return [
            name
            for name, weight in self.named_parameters()
            if weight.requires_grad and id(weight) not in claimed
        ]

    def _check_apart(self, moved: set[int]) -> None:
        apart = {id(weight) for weight in apart_weights(self)}
        for name, weight in self.named_parameters():
            if id(weight) in apart - moved:
                raise ConfigError(
                    f"no phase names the weight {name}, which its part keeps apart",
                    where=f"{name.partition('.')[0]}.name",
                    fix="let a phase of the part move the parameter itself, or leave it out of `apart`",
                )

    def _probe(self) -> Posterior:
        """The posterior of two blank inputs: tells parts what the encoder gives, and checks shapes."""
        low = 0.0 if self.range is None else self.range[0]
        x = torch.full((2, *self.shape), low)
        with evaluation(self):
            posterior = _try("encoder", self.encoder, x)
            if isinstance(posterior, Posterior):
                _check_shape("encoder", posterior.z, (2, self.latent_dim))
            take_posterior(posterior, self.encoder.forward, 2, self.latent_dim)
            x_hat = _try("decoder", self.decoder, posterior.z)
            _check_shape("decoder", x_hat, x.shape)
            take_images(x_hat, self.decoder.forward, 2, self.shape)
        return posterior


def _try(part: str, module: Callable[[Tensor], T], given: Tensor) -> T:
    """What a part makes of two blank rows; a part that cannot take them is the user's to mend."""
    try:
        return module(given)
    except (RuntimeError, ValueError, TypeError, IndexError) as err:
        raise ConfigError(
            f"the {part} cannot take a batch of shape {tuple(given.shape)}: {err}",
            where=f"{part}.name",
            fix="make it fit the dataset's shape and train.latent_dim, or load your own with modules=",
        ) from err


def _check_shape(part: str, value: Tensor, expected: tuple[int, ...]) -> None:
    if isinstance(value, Tensor) and tuple(value.shape) != tuple(expected):
        raise ConfigError(
            f"the {part} gives shape {tuple(value.shape)[1:]} where {tuple(expected)[1:]} is needed",
            where=f"{part}.name",
            fix="an encoder gives z [B, latent_dim], always flat; a decoder gives x_hat [B, *shape]",
        )


@contextmanager
def evaluation(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; every submodule's own mode comes back afterwards."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part in training:
            part.training = True


def join(posteriors: list[Posterior], reads: Collection[str] | None = None) -> Posterior:
    """One posterior out of chunks, of the same class; `reads` narrows it to z and the named fields."""
    first = posteriors[0]
    joined: dict[str, Any] = {}
    for field in fields(first):
        wanted = reads is None or field.name == "z" or field.name in reads
        given = wanted and getattr(first, field.name) is not None
        joined[field.name] = torch.cat([getattr(p, field.name) for p in posteriors]) if given else None
    return type(first)(**joined)


def memory_names(model: nn.Module) -> set[str]:
    """State names of training-only tensors, which belong to the trainer's file."""
    return {
        f"{name}.{key}"
        for name, part in model.named_modules()
        if isinstance(part, Memory)
        for key in part.state_dict()
    }


def split_state(model: Autoencoder) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A model's tensors, and apart from them the training-only ones, under `memory/`."""
    memory = memory_names(model)
    state = model.state_dict()
    return (
        {name: value for name, value in state.items() if name not in memory},
        {f"memory/{name}": value for name, value in state.items() if name in memory},
    )


def load_state(model: Autoencoder, tensors: Mapping[str, Tensor]) -> None:
    """Load tensors by name; training-only ones may be absent.

    Raises:  RunFileError when names or shapes are not those of the model
    """
    expected = model.state_dict()
    missing = [name for name in expected if name not in tensors and name not in memory_names(model)]
    strange = [name for name in tensors if name not in expected]
    shapes = [name for name in expected if name in tensors and tensors[name].shape != expected[name].shape]
    for what, names in (("lacks", missing), ("has a strange", strange), ("has another shape for", shapes)):
        if names:
            raise RunFileError(
                f"the saved model {what} {names[0]}"
                + (f" and {len(names) - 1} more" if len(names) > 1 else ""),
                fix="load it with the settings, and the versions of parts, that wrote it",
            )
    with torch.no_grad():
        for name, value in tensors.items():
            expected[name].copy_(value)
