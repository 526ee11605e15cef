"""Parts to a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar, cast, final

import torch
from torch import Tensor, nn

from aezoo.config.merge import Table
from aezoo.config.run import NETWORKS, Part, RunConfig
from aezoo.errors import ConfigError, did_you_mean
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.doors import take_latent_dim
from aezoo.parts.interfaces import (
    Backbone,
    Decoder,
    Encoder,
    FittedPrior,
    LatentPrior,
    Reconstruction,
    Regularizer,
)
from aezoo.parts.types import Posterior
from aezoo.randomness import mix
from aezoo.registry.registry import bare_name
from aezoo.resolve import Parts, check_part, make, no_part, parts_of, waiting

T = TypeVar("T")


def model_of(
    config: RunConfig,
    shape: tuple[int, ...],
    range: tuple[float, float] | None,
    modules: Mapping[str, nn.Module] | None = None,
) -> Autoencoder:
    """The parts of a run, joined; `modules` are finished ones that the user brings for a section.

    Raises:  ConfigError for parts that do not go together
    """
    check_sections(modules or (), config.regularizer)
    parts = {section: getattr(config, section) for section in (*NETWORKS, "regularizer")}
    return _join(parts, shape, range, config.train.latent_dim, config.train.seed, modules or {})


def check_sections(modules: Collection[str], regularizers: Any) -> None:
    """Raises ConfigError for a finished module of a section that the run does not have.

    regularizers:  the run's, by label
    """
    labels = regularizers if isinstance(regularizers, Mapping) else ()
    known = [*NETWORKS, *(f"regularizer.{label}" for label in labels)]
    for section in modules:
        if section not in known:
            raise ConfigError(
                f"no module can stand for '{section}'",
                where="modules",
                fix=f"{did_you_mean(section, known)}the sections of this run are {', '.join(known)}",
            )


def build_model(
    sections: Mapping[str, str | Table],
    *,
    shape: tuple[int, ...],
    range: tuple[float, float] | None,
    latent_dim: int,
    seed: int = 0,
) -> Autoencoder:
    """A model out of named parts; sections left out take their defaults.

    For parts that are themselves autoencoders, such as the second stage of a two-stage prior.
    """
    return _join(parts_of(dict(sections), NETWORKS), shape, range, latent_dim, seed, {})


def _join(
    parts: Parts,
    shape: tuple[int, ...],
    range: tuple[float, float] | None,
    latent_dim: int,
    seed: int,
    modules: Mapping[str, nn.Module],
) -> Autoencoder:
    given: Table = {"shape": shape, "range": range, "latent_dim": latent_dim}

    def build(kind: str, section: str, part: Part, interface: type[T]) -> T:
        """One part, its weights drawn from a seed of its own: changing one part leaves the others'."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(mix(seed, "weights", section, bare_name(kind, part.name)))
            found = (
                modules[section]
                if section in modules
                else make(kind, part, (interface, nn.Module), given, section)
            )
        return cast(T, _as_interface(found, interface, section, given))

    given["backbone"] = build("backbone", "backbone", parts["backbone"], Backbone)  # type: ignore[type-abstract]
    encoder = build("encoder", "encoder", parts["encoder"], Encoder)  # type: ignore[type-abstract]
    given["latent_dim"] = take_latent_dim(encoder)  # the encoder's word is the truth
    decoder = build("decoder", "decoder", parts["decoder"], Decoder)  # type: ignore[type-abstract]
    prior = build("prior", "prior", parts["prior"], LatentPrior)  # type: ignore[type-abstract]
    during = _during(prior)
    regularizers: dict[str, Regularizer] = {}
    divergence = parts["divergence"]
    tie = _label(bare_name("divergence", divergence.name))
    regularizers[tie] = build("divergence", "divergence", divergence, Regularizer)
    for label, part in parts["regularizer"].items():
        if _label(label) in regularizers:
            raise ConfigError(
                f"two regularizers, or one and the divergence, are called '{label}'",
                where=f"regularizer.{label}",
                fix="leave one out, or give it a label of its own: [regularizer.LABEL] with `name`",
            )
        regularizers[_label(label)] = build("regularizer", f"regularizer.{label}", part, Regularizer)
    _tell_apart(regularizers, {tie: divergence, **parts["regularizer"]})
    return Autoencoder(
        encoder,
        decoder,
        prior,
        shape=shape,
        range=range,
        during=None if during is None else _in_force(build("prior", "during", during, LatentPrior)),  # type: ignore[type-abstract]
        reconstruction=build("reconstruction", "reconstruction", parts["reconstruction"], Reconstruction),
        regularizers=regularizers,
        divergence=tie,
    )


def _tell_apart(regularizers: Mapping[str, Regularizer], sections: Mapping[str, Part]) -> None:
    """Of several uses of one class, those under a label of their own know it."""
    names = {label: _label(bare_name("regularizer", part.name)) for label, part in sections.items()}
    own_names = {name for label, name in names.items() if _label(label) == name}
    for label, part in regularizers.items():
        uses = sum(type(other) is type(part) for other in regularizers.values())
        part.label = label if uses > 1 and label not in own_names else ""


def _in_force(during: LatentPrior) -> LatentPrior:
    if isinstance(during, FittedPrior):
        raise ConfigError(
            f"{type(during).__name__} is itself fitted after training, so it cannot be in force meanwhile",
            where="prior.during",
            fix="name a prior that can sample from the start; `aezoo list prior` shows them all",
        )
    return during


def _label(name: str) -> str:
    """A name as a module's: without dots, which torch keeps for the path to a weight."""
    return name.replace(".", "_")


def _during(prior: LatentPrior) -> Part | None:
    """The prior in force while a fitted one waits."""
    section = waiting(prior.during) if isinstance(prior, FittedPrior) else None
    if section is None:
        return None
    return check_part("prior", section, "prior.during", lambda key: "the prior's settings")


def _as_interface(part: Any, interface: type, section: str, given: Table) -> Any:
    """The part itself, or a user's plain module made into an encoder or decoder."""
    if isinstance(part, interface):
        return part
    if isinstance(part, nn.Module) and interface is Encoder:
        own = getattr(part, "latent_dim", None)
        return PlainEncoder(part, own if isinstance(own, int) else given["latent_dim"])
    if isinstance(part, nn.Module) and interface is Decoder:
        return PlainDecoder(part)
    raise no_part(type(part), interface, f"{section}.name")


@final
class PlainEncoder(Encoder):
    """A user's own module as an encoder: it maps x [B, *shape] to z [B, m], or to a Posterior."""

    def __init__(self, module: nn.Module, latent_dim: int) -> None:
        super().__init__()
        self.module, self.latent_dim = module, latent_dim

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        """The module's word; without noise."""
        out = self.module(x)
        return out if isinstance(out, Posterior) else Posterior(z=out)


@final
class PlainDecoder(Decoder):
    """A user's own module as a decoder: it maps z [B, m] to x_hat [B, *shape], in the range."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, z: Tensor) -> Tensor:
        """The module's output as it is."""
        out: Tensor = self.module(z)
        return out
