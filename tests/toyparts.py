"""Tiny parts, made for a test and thrown away, and the means to train them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from aezoo.api import (
    Autoencoder,
    Decoder,
    Encoder,
    Fitting,
    LatentPrior,
    OptimizerConfig,
    Phase,
    Posterior,
    Reconstruction,
    Regularizer,
    Step,
    Terms,
    build_model,
    generator_for,
    mlp,
    schedule_of,
)
from aezoo.training.trainer import Trainer

B, D, M = 8, 4, 2  # batch, dimensions of x, dimensions of z


class Rows:
    """Minibatches of U[0, 1], a pure function; `twins`: the partner batch is the batch itself."""

    def __init__(self, shape: tuple[int, ...] = (D,), twins: bool = False) -> None:
        self.shape, self.twins = shape, twins

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        generator = generator_for("cpu", "rows", draw, 0 if self.twins else stream)
        return torch.rand(B, *self.shape, generator=generator)


class Reading:
    """Rows read as needed; remembers them."""

    def __init__(self, values: Tensor) -> None:
        self.values, self.read = values, []

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        self.read.append(self.values[index])
        return self.read[-1]

    def split(self, size: int) -> Iterator[Tensor]:
        return (self[first : first + size] for first in range(0, len(self), size))


class Lines(Encoder):
    """x [B, D] -> z [B, M]; optionally with noise, BatchNorm or dropout. Counts its passes."""

    def __init__(self, *, noisy: bool = False, norm: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.latent_dim, self.noisy, self.calls = M, noisy, 0
        middle = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.net = nn.Sequential(nn.Linear(D, 8), middle, nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, M))

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Posterior:
        self.calls += 1
        z = self.net(x)
        if self.noisy and generator is not None:
            z = z + torch.randn(z.shape, generator=generator)
        return Posterior(z=z)


class Back(Decoder):
    """z [B, M] -> x_hat [B, D]. Counts its passes."""

    def __init__(self, *, norm: bool = False) -> None:
        super().__init__()
        self.calls = 0
        middle = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.net = nn.Sequential(nn.Linear(M, 8), middle, nn.Tanh(), nn.Linear(8, D))

    def forward(self, z: Tensor) -> Tensor:
        self.calls += 1
        return self.net(z)


class Fixed(LatentPrior):
    """N(0, I), without weights."""

    latent_dim = M

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, M, generator=generator)


class Learned(LatentPrior):
    """A small network of N(0, I). Counts its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.latent_dim, self.calls = M, 0
        self.net = mlp([M, 8, M])

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        self.calls += 1
        return self.net(torch.randn(n, M, generator=generator))


class Shift(nn.Module):
    """A flow of one layer: z = exp(scale) u + shift, u ~ N(0, I). No part, and no autoencoder."""

    def __init__(self, m: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.zeros(m)), nn.Parameter(torch.zeros(m))

    def loss(self, step: Step) -> Terms:
        """Minus the log-density of the codes, without its constant."""
        u = (step.x - self.shift) * (-self.scale).exp()
        return {"nll": (0.5 * u.square() + self.scale).sum(1).mean()}


class Flow(LatentPrior):
    """A prior whose flow is fitted after training."""

    reads = ("z",)

    def __init__(self, *, latent_dim: int, during: str = "normal") -> None:
        super().__init__()
        self.latent_dim, self.during = latent_dim, during
        self.flow = Shift(latent_dim)
        self.register_buffer("fitted", torch.tensor(False))

    def fit(self, codes: Posterior, fitting: Fitting) -> None:
        phase = Phase("flow", self.flow.loss, [self.flow], OptimizerConfig(lr=0.05))
        fitting.train(self.flow, lambda draw: codes.z[draw % 3 :: 3], [phase])
        self.fitted.fill_(True)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        u = torch.randn(n, self.latent_dim, generator=generator)
        return self.flow.scale.exp() * u + self.flow.shift


class Squares(Reconstruction):
    """||x - x_hat||^2."""

    def terms(self, step: Step) -> Terms:
        return {"squares": (step.x - step.x_hat).square().sum(1).mean()}


class Part(Regularizer):
    """A regularizer of given weights, phases and terms.

    `phases` and `terms` are functions of the part and of the model or the step.
    """

    def __init__(
        self,
        phases: Callable[[Part, Autoencoder], Iterable[Phase]] = lambda part, model: (),
        terms: Callable[[Part, Step], Terms] = lambda part, step: {},
        apart: tuple[str, ...] = (),
        **weights: nn.Module | nn.Parameter,
    ) -> None:
        super().__init__()
        self._phases, self._terms, self.apart = phases, terms, apart
        for name, weight in weights.items():
            setattr(self, name, weight)

    def phases(self, model: Autoencoder) -> Iterable[Phase]:
        return self._phases(self, model)

    def terms(self, step: Step) -> Terms:
        return self._terms(self, step)


def autoencoder(
    *regularizers: Regularizer,
    encoder: Encoder | None = None,
    decoder: Decoder | None = None,
    prior: LatentPrior | None = None,
    reconstruction: Reconstruction | None = None,
    during: LatentPrior | None = None,
) -> Autoencoder:
    """Lines, Back, Fixed and Squares but for what is given; the same weights at each call."""
    return Autoencoder(
        encoder or seeded(Lines),
        decoder or seeded(Back),
        prior or Fixed(),
        shape=(D,),
        range=None,
        during=during,
        reconstruction=reconstruction or Squares(),
        regularizers={f"part{index}": part for index, part in enumerate(regularizers)},
    ).train()


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    """A part whose weights are the same at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        return make()


def flexae_sr(
    shape: tuple[int, ...] = (D,), backbone: str | dict | None = None, seed: int = 0, **sections: object
) -> Autoencoder:
    """The parts of FlexAE-SR, small; a fully connected backbone has no BatchNorm."""
    parts = {
        "backbone": backbone or {"name": "mlp", "hidden": [8]},
        "encoder": "point",
        "prior": {"name": "pgen", "hidden": [8]},
        "divergence": {"name": "wgan", "hidden": [8]},
        "regularizer": {"interp": {"channels": [4], "hidden": 8}},
        "reconstruction": "mse",
        **sections,
    }
    return build_model(parts, shape=shape, range=(0.0, 1.0), latent_dim=3, seed=seed).train()


def trainer_of(model: Autoencoder, schedule: str | None = None, **options: object) -> Trainer:
    """A trainer of all phases, by default in their default order on `Rows`."""
    phases = model.phases()
    batches = options.pop("batches", None) or Rows(model.shape)
    return Trainer(model, phases, schedule or schedule_of(phases, 5), batches, **options)


def only(model: Autoencoder, schedule: str, batches: Rows | None = None, **options: object) -> Trainer:
    """A trainer of the phases in the schedule and no others."""
    names = re.findall(r"[a-z_]+", schedule)
    phases = [phase for phase in model.phases() if phase.name in names]
    return Trainer(model, phases, schedule, batches or Rows(model.shape), **options)


def step_of(model: Autoencoder, batches: Rows | None = None) -> Step:
    """A step with its first minibatch drawn; read it inside `with step.in_phase("look", 1)`."""
    step = Step(model, batches or Rows(model.shape), seed=0, device=torch.device("cpu"))
    step.begin(0)
    step.draw(0, 0)
    return step


def watch(model: Autoencoder, schedule: str | None = None) -> tuple[Trainer, list[tuple[str, set[str]]]]:
    """A trainer of all phases, and what each of them moved, bitwise, as they come."""
    before, moves, phases = weights_of(model), [], model.phases()

    def note(name: str) -> None:
        moves.append((name, moved(before, model)))
        before.update(weights_of(model))

    phases = [replace(phase, after=partial(note, phase.name)) for phase in phases]
    return Trainer(model, phases, schedule or schedule_of(phases, 5), Rows(model.shape)), moves


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy of all weights, by name."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy of weights and buffers, by name."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def moved(before: dict[str, Tensor], model: nn.Module) -> set[str]:
    """Names of the weights that are no longer bitwise what they were."""
    return {name for name, value in weights_of(model).items() if not torch.equal(value, before[name])}


def groups(names: Iterable[str]) -> set[str]:
    """`encoder`, `prior`, `regularizer.wgan`, ...: the parts that some weights belong to."""
    return {".".join(name.split(".")[: 2 if name.startswith("regularizer") else 1]) for name in names}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bitwise equal, name by name."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
