"""The small model around a part under test: beside it what it brings along, or the plainest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from aezoo.config.run import Part, RunConfig
from aezoo.data.resident import Resident
from aezoo.errors import ConfigError
from aezoo.evaluation.measuring import Evaluation
from aezoo.evaluation.protocol import Protocol
from aezoo.evaluation.sets import Sets
from aezoo.functional.divergences import standard_normal_log_prob
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.interfaces import Component, FittedPrior, LatentPrior, Phase, Regularizer
from aezoo.parts.measures import Extractor, Metric
from aezoo.parts.types import Data, Posterior, Split, Terms
from aezoo.registry import registry
from aezoo.resolve import check_part, make, part_class, resolve
from aezoo.rundir.rundir import RunDir
from aezoo.training.assemble import Assembly, assemble
from aezoo.training.fitting import Fitting
from aezoo.training.progress import Silence
from aezoo.training.stages import Stages
from aezoo.training.step import Step
from aezoo.training.trainer import Trainer

ROWS = 5
SHAPES = ((1, 8, 8), (3, 28, 28), (10,))  # a part may be made for one of them only
DIMENSIONS = {"images": (3,), "vectors": (1,), "any": (1, 3)}  # of the shapes that an extractor takes
CPU = torch.device("cpu")


@final
class PlainBackbone:
    """One layer each way, for any shape."""

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, *shape] -> [B, 8]."""
        size = torch.Size(shape).numel()
        body = nn.Sequential(nn.Flatten(), nn.Linear(size, 8), nn.Tanh())
        body.features = 8  # type: ignore[assignment]  # an int by contract
        return body

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, *shape]."""
        size = torch.Size(shape).numel()
        return nn.Sequential(
            nn.Linear(latent_dim, 8), nn.Tanh(), nn.Linear(8, size), nn.Unflatten(1, tuple(shape))
        )


@final
class PlainPrior(LatentPrior):
    """N(0, I), with its density."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m]."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), nats: z [n, m] -> [n]."""
        return standard_normal_log_prob(z)


@final
class PlainTask(Regularizer):
    """Trains encoder and decoder where there is no reconstruction cost to do it."""

    def phases(self, model: Autoencoder) -> Iterable[Phase]:
        """One phase: squared errors."""
        yield Phase("task", _squared_error, [model.encoder, model.decoder])


def _squared_error(step: Step) -> Terms:
    return {"squares": (step.x - step.x_hat).square().mean()}


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
        here = __name__
        around: dict[str, Any] = {"backbone": f"{here}:PlainBackbone"} if self.kind != "backbone" else {}
        if self.kind in ("divergence", "backbone"):  # one phase, and a density
            around["prior"] = f"{here}:PlainPrior"
        if self.kind == "prior" and ":" in self.name:  # nothing says what it brings along
            around |= registry.default("prior").defaults
        part: dict[str, Any] = {self.kind: self.section()}
        if self.kind == "regularizer":
            part = {"regularizer": {self.label: self.section()}}
        if self.kind == "reconstruction" and self._costs_nothing():
            around["regularizer"] = {"task": {"name": f"{here}:PlainTask"}}
        train = {"latent_dim": self.latent_dim, "steps": 3, **train}
        return resolve(flags={"the contract": {**around, **part, "train": train}})

    def _costs_nothing(self) -> bool:
        part = part_class(self.kind, self.name)
        return issubclass(part, Component) and part.terms is Component.terms

    def assembled(self, **train: Any) -> tuple[Assembly, tuple[int, ...]]:
        """The parts joined, for the first shape that they take.

        Raises:  ConfigError when they take none
        """
        config = self.config(**train)
        refusals: list[ConfigError] = []
        for shape in SHAPES:
            try:
                return assemble(config, shape, (0.0, 1.0)), shape
            except ConfigError as err:
                refusals.append(err)
        raise refusals[0]

    def extractors(self) -> list[tuple[Extractor, tuple[int, ...]]]:
        """The extractor in evaluation mode, made for each of a few shapes that it takes.

        Raises:  ConfigError when it takes none; MissingError without its weights
        """
        found: list[tuple[Extractor, tuple[int, ...]]] = []
        refusals: list[ConfigError] = []
        part = part_class("extractor", self.name)
        assert issubclass(part, Extractor), f"{part.__name__} does not derive from aezoo.api.Extractor"
        for shape in (one for one in (*SHAPES, (1, 17, 23)) if len(one) in DIMENSIONS[part.takes]):
            try:
                found.append((self.extractor(shape), shape))
            except ConfigError as err:
                refusals.append(err)
        if not found:
            raise refusals[0]
        return found

    def extractor(self, shape: tuple[int, ...]) -> Extractor:
        made: Extractor = make("extractor", self.part(), {"shape": shape})
        return made.eval()

    def metric(self) -> Metric:
        made = make("metric", self.part())
        assert isinstance(made, Metric), f"{type(made).__name__} does not derive from a metric of aezoo.api"
        return made

    def evaluation(self) -> Evaluation:
        """Of a small model with a likelihood, on made-up images of two classes."""
        here = __name__
        flags = {"backbone": f"{here}:PlainBackbone", "prior": f"{here}:PlainPrior", "divergence": "kl"}
        flags |= {"encoder": "gaussian", "reconstruction": "bce"}
        config = resolve(flags={"the contract": {**flags, "train": {"latent_dim": 3}}})
        shape, labels = (1, 8, 8), torch.arange(80) % 2
        model = assemble(config, shape, (0.0, 1.0)).model.eval()
        x = rows(80, shape) * (0.5 + 0.5 * labels[:, None, None, None])
        data = Data("made-up", shape, (0.0, 1.0), Split(x[:56], labels[:56]), Split(x[56:], labels[56:]))
        sets = Sets(model, data)
        return Evaluation(sets, {}, Protocol("made-up", sets.n, sets.n))

    def prior(self) -> LatentPrior:
        return self.assembled()[0].model.prior

    def fitted(self, seed: int = 0) -> LatentPrior:
        """The prior, fitted to made-up codes when it is one to be fitted."""
        model = self.assembled()[0].model
        prior = model.prior
        if isinstance(prior, FittedPrior):
            z = torch.randn(200, model.latent_dim, generator=seeded(7))
            codes = Posterior(z=z, mean=z, log_var=torch.full_like(z, -3.0), log_q=torch.zeros(200))
            with fitting(self.config(), model, seed) as means, torch.random.fork_rng(devices=[]):
                prior.fit(codes, means)
        return prior.eval()


@contextmanager
def fitting(config: RunConfig, model: Autoencoder, seed: int) -> Iterator[Fitting]:
    """The means of a fit, in a run directory that vanishes."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder))
        yield Fitting(Stages(run, model, config, Silence()), seed=seed, device=CPU, steps=3)


def seeded(seed: int = 0, device: torch.device = CPU) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def rows(n: int, shape: tuple[int, ...]) -> Tensor:
    """x [n, *shape] in [0, 1]."""
    return torch.rand(n, *shape, generator=seeded(n), device=CPU)


def levels(n: int, shape: tuple[int, ...]) -> Tensor:
    """x [n, *shape] in [0, 1] that 8 bits hold."""
    return (rows(n, shape) * 255).round() / 255


def outputs(
    model: Autoencoder, shape: tuple[int, ...], training: bool = False, device: torch.device = CPU
) -> dict[str, Tensor]:
    """What encoder, decoder and the prior in force give, on the model's device."""
    model.train(training)
    with torch.no_grad():
        posterior = model.encoder(rows(ROWS, shape).to(device), seeded(device=device))
        found = {"the encoder's code": posterior.z, "the decoder's x_hat": model.decoder(posterior.z)}
        if can_sample(model):
            found["the prior's sample"] = model.prior_in_force.sample(ROWS, seeded(device=device))
    return found


def can_sample(model: Autoencoder) -> bool:
    """Whether there is a prior in force while training."""
    return model.during is not None or not isinstance(model.prior, FittedPrior)


def trainer_of(assembly: Assembly, shape: tuple[int, ...]) -> Trainer:
    """Trains on a dozen made-up rows."""
    data = Data("made-up", shape, (0.0, 1.0), Split(rows(12, shape)), Split(rows(4, shape)))
    return Trainer(
        assembly.model.train(),
        assembly.phases,
        assembly.schedule,
        Resident(data, data.train, 6, seed=0, device=CPU),
        optimizers=assembly.optimizers,
        seed=0,
    )


def trained(assembly: Assembly, shape: tuple[int, ...], steps: int = 3) -> list[dict[str, float]]:
    """The recorded terms of a few iterations."""
    with torch.random.fork_rng(devices=[]):
        trainer = trainer_of(assembly, shape)
        return [trainer.iterate(record=True) for _ in range(steps)]


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
