"""The small model around a part under test: beside it what it brings along, or the plainest."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from aezoo.config.run import Part, RunConfig
from aezoo.data.resident import Resident
from aezoo.errors import AezooError, ConfigError, PartError
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.doors import take_codes
from aezoo.parts.interfaces import Component, FittedPrior, InitialisedFromData, LatentPrior
from aezoo.parts.measures import Extractor, Metric
from aezoo.parts.types import Data, Posterior, Split, Terms
from aezoo.registry import registry
from aezoo.registry.names import is_class
from aezoo.registry.trust import allow_classes
from aezoo.resolve import check_part, make, part_class, resolve
from aezoo.rundir.rundir import RunDir
from aezoo.testing.plain import PlainBackbone, PlainPrior, PlainTask
from aezoo.training.assemble import Assembly, assemble
from aezoo.training.ends import finish_parts, initialise_parts
from aezoo.training.fitting import Fitting
from aezoo.training.progress import Silence
from aezoo.training.stages import Stages
from aezoo.training.step import Step
from aezoo.training.trainer import Trainer

T = TypeVar("T")
ROWS = 5
SHAPES = ((1, 8, 8), (3, 28, 28), (10,))  # a part may be made for one of them only
DIMENSIONS = {"images": (3,), "vectors": (1,), "any": (1, 3)}  # of the shapes that an extractor takes
RANGE = (0.0, 1.0)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Specimen:
    """A part under test.

    name:        registered, or "module:Class"
    settings:    those of its own that have no default, or that matter
    latent_dim:  of the model around it
    """

    kind: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    latent_dim: int = 4

    def __post_init__(self) -> None:
        allow_classes(self.section())  # whoever wants a part tested asks for its code

    @property
    def label(self) -> str:
        """The name a regularizer goes by in the model."""
        return self.name if ":" not in self.name else "tested"

    def section(self) -> dict[str, Any]:
        return {"name": self.name, **self.settings}

    def part(self) -> Part:
        return check_part(self.kind, self.section(), self.kind)

    def config(self, **train: Any) -> RunConfig:
        """A small run with this part in it."""
        around: dict[str, Any] = {"backbone": name_of(PlainBackbone)} if self.kind != "backbone" else {}
        if self.kind in ("divergence", "backbone"):  # one phase, and a density
            around["prior"] = name_of(PlainPrior)
        if self.kind == "prior" and is_class("prior", self.name):  # nothing says what it brings along
            around |= registry.default("prior").defaults
        part: dict[str, Any] = {self.kind: self.section()}
        if self.kind == "regularizer":
            part = {"regularizer": {self.label: self.section()}}
        if self.kind == "reconstruction" and self._costs_nothing():
            around["regularizer"] = {"task": {"name": name_of(PlainTask)}}
        train = {"latent_dim": self.latent_dim, "steps": 3, **train}
        return resolve(flags={"the rules": {**around, **part, "train": train}})

    def _costs_nothing(self) -> bool:
        part = part_class(self.kind, self.name)
        return issubclass(part, Component) and part.terms is Component.terms

    def alone(self) -> Any:
        """The part by itself, made with its settings and whatever its constructor asks for.

        Raises:  ConfigError when it takes none of the shapes
        """
        given = {"range": RANGE, "latent_dim": self.latent_dim, "backbone": PlainBackbone()}

        def attempt(shape: tuple[int, ...]) -> Any:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(0)
                return self._make(shape=shape, **given)

        return next(_for_each(SHAPES, attempt))[0]

    def assemble(self, **train: Any) -> tuple[Assembly, tuple[int, ...]]:
        """The parts joined, for the first shape that they take.

        Raises:  ConfigError when they take none
        """
        config = self.config(**train)
        return next(_for_each(SHAPES, lambda shape: assemble(config, shape, RANGE)))

    def first_fault(self) -> PartError | None:
        """What a part gives wrongly in the first iteration, or as a sample; other rules' errors pass."""
        try:
            found, shape = self.assemble()
            train(found, shape, steps=1)
            if can_sample(found.model):
                prior = found.model.prior_in_force
                take_codes(prior.sample(ROWS, generator()), prior.sample, ROWS, found.model.latent_dim)
        except PartError as err:
            return err
        except (
            AezooError
        ):  # parts that do not go together, a loss that overflows: other rules are about these
            return None
        return None

    def body(self) -> tuple[nn.Module, tuple[int, ...]]:
        """An encoder's body of the backbone, for the first shape that it takes."""
        given = {"range": RANGE, "latent_dim": self.latent_dim}
        return next(_for_each(SHAPES, lambda shape: self._make(shape=shape, **given).encoder(shape)))

    def extractors(self) -> list[tuple[Extractor, tuple[int, ...]]]:
        """The extractor in evaluation mode, made for each of a few shapes that it takes.

        Raises:  ConfigError when it takes none; MissingError without its weights
        """
        part = part_class("extractor", self.name)
        assert issubclass(part, Extractor), f"{part.__name__} does not derive from aezoo.api.Extractor"
        shapes = [shape for shape in (*SHAPES, (1, 17, 23)) if len(shape) in DIMENSIONS[part.takes]]
        return list(_for_each(shapes, lambda shape: self._make(shape=shape).eval()))

    def metric(self) -> Metric:
        made = self._make()
        assert isinstance(made, Metric), f"{type(made).__name__} does not derive from a metric of aezoo.api"
        return made

    def _make(self, **given: Any) -> Any:
        return make(self.kind, self.part(), (object,), given)  # its class is what is looked at

    def prior(self) -> LatentPrior:
        return self.assemble()[0].model.prior

    def fit_prior(self, seed: int = 0) -> LatentPrior:
        """The prior, fitted to made-up codes when it is one to be fitted."""
        model = self.assemble()[0].model
        if isinstance(model.prior, FittedPrior):
            with tempfile.TemporaryDirectory() as folder:
                self.fit(model, Stages(RunDir(Path(folder)), model, self.config(), Silence()), seed)
        return model.prior.eval()

    def fit(self, model: Autoencoder, stages: Stages, seed: int = 0) -> None:
        """Fit a model's prior to made-up codes; what it trains runs in these stages."""
        assert isinstance(model.prior, FittedPrior)
        z = lopsided(200, model.latent_dim)
        codes = Posterior(z=z, mean=z, log_var=torch.full_like(z, -3.0), log_q=torch.zeros(200))
        with torch.random.fork_rng(devices=[]):
            model.prior.fit(codes, Fitting(stages, seed=seed, device=CPU, steps=3))


def _for_each(
    shapes: Sequence[tuple[int, ...]], attempt: Callable[[tuple[int, ...]], T]
) -> Iterator[tuple[T, tuple[int, ...]]]:
    """What is made for each shape, when it is asked for; those that are refused are left out.

    Raises:  ConfigError when all are refused
    """
    refusals: list[ConfigError] = []
    for shape in shapes:
        try:
            made = attempt(shape)
        except ConfigError as err:
            refusals.append(err)
        else:
            yield made, shape
    if len(refusals) == len(shapes):
        raise refusals[0]


def name_of(part: type) -> str:
    """A class at the top of a module, as a config names it."""
    return f"{part.__module__}:{part.__qualname__}"


def generator(seed: int = 0, device: torch.device = CPU) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def rows(n: int, shape: tuple[int, ...]) -> Tensor:
    """x [n, *shape] in [0, 1]."""
    return torch.rand(n, *shape, generator=generator(n), device=CPU)


def levels(n: int, shape: tuple[int, ...]) -> Tensor:
    """x [n, *shape] in [0, 1] that 8 bits hold."""
    return (rows(n, shape) * 255).round() / 255


def lopsided(n: int, m: int) -> Tensor:
    """Codes [n, m] that are no standard normal ones: off centre, wider in each dimension, and correlated."""
    z = torch.randn(n, m, generator=generator(7))
    return 0.5 + z * torch.linspace(0.5, 1.5, m) + 0.5 * z.roll(1, dims=1)


def outputs(
    model: Autoencoder, shape: tuple[int, ...], training: bool = False, device: torch.device = CPU
) -> dict[str, Tensor]:
    """What encoder, decoder and the prior in force give, on the model's device."""
    model.train(training)
    with torch.no_grad():
        posterior = model.encoder(rows(ROWS, shape).to(device), generator(device=device))
        found = {"the encoder's code": posterior.z, "the decoder's x_hat": model.decoder(posterior.z)}
        if can_sample(model):
            found["the prior's sample"] = model.prior_in_force.sample(ROWS, generator(device=device))
    return found


def can_sample(model: Autoencoder) -> bool:
    """Whether there is a prior in force while training."""
    return model.during is not None or not isinstance(model.prior, FittedPrior)


def trainer_of(assembly: Assembly, shape: tuple[int, ...], resumed: bool = False) -> Trainer:
    """Trains on made-up rows: a dozen, or enough for parts that start from images, which see them first."""
    model = assembly.model.train()
    n = 1_000 if any(isinstance(part, InitialisedFromData) for part in model.parts()) else 12
    data = Data("made-up", shape, RANGE, Split(rows(n, shape)), Split(rows(4, shape)))
    if not resumed:
        initialise_parts(model, data, seed=0)
    return Trainer(
        model,
        assembly.phases,
        assembly.schedule,
        Resident(data, data.train, 6, seed=0, device=CPU),
        optimizers=assembly.optimizers,
        seed=0,
    )


def train(assembly: Assembly, shape: tuple[int, ...], steps: int = 3) -> list[dict[str, float]]:
    """A few iterations, from a part's start to its end; the recorded terms of each."""
    with torch.random.fork_rng(devices=[]):
        trainer = trainer_of(assembly, shape)
        logged = [trainer.iterate(record=True) for _ in range(steps)]
        finish_parts(assembly.model.parts(), assembly.model, CPU, seed=0)
    return logged


def terms_of(model: Autoencoder, part: nn.Module, shape: tuple[int, ...]) -> Terms:
    """A part's terms for one batch, as the autoencoder phase asks for them."""
    step = Step(model.train(), _Still(rows(6, shape)), seed=0, device=CPU)
    step.begin(0)
    step.draw(0, 0)
    with step.in_phase("autoencoder", 1, frozenset(map(id, model.parameters()))):
        _ = step.posterior, step.x_hat  # computed beforehand: they may change running statistics
        terms: Terms = part.terms(step)  # type: ignore[operator]  # a Component
    return terms


class _Still:
    """The same batch at every draw."""

    def __init__(self, x: Tensor) -> None:
        self._x = x

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        return self._x
