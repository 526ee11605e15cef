"""The one trainer: it runs a schedule of phases and knows no method."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aezoo.config.optimizer import OptimizerConfig
from aezoo.errors import ConfigError, DivergedError
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.doors import take_answer, take_terms
from aezoo.parts.interfaces import Component, Phase, moved_weights
from aezoo.parts.statistics import batch_norms, fresh_statistics
from aezoo.parts.types import Terms
from aezoo.randomness import mix
from aezoo.training.averages import Averages
from aezoo.training.optimizers import make_optimizer, set_learning_rate
from aezoo.training.schedule import Group, Sampling, check_names, draws_in, parse
from aezoo.training.step import Batches, Ids, Step


@dataclass
class Descent:
    """A phase with its weights in hand, and the optimizer that moves them."""

    phase: Phase
    weights: list[nn.Parameter]
    names: list[str]
    config: OptimizerConfig | None  # None, like the optimizer: it steps those of other phases
    optimizer: torch.optim.Optimizer | None
    ids: Ids
    checked: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """The phases whose optimizers it steps."""
        return self.phase.optim if isinstance(self.phase.optim, tuple) else (self.phase.name,)


@dataclass(frozen=True)
class Update:
    """A group of phases at its place in the schedule, and what moves until the next draw."""

    position: int
    descents: tuple[Descent, ...]
    moving: Ids


@dataclass(frozen=True)
class Minibatch:
    """A draw at its place: the how-many-eth batch of the iteration, or noise alone (None)."""

    position: int
    batch: int | None


class Trainer:
    """Trains the weights of a model by alternating phases.

    model:       all parts, in training mode on `device`; or, inside a fit, any module that has phases
    phases:      every phase of every part
    schedule:    the order within an iteration (aezoo.training.schedule)
    batches:     where minibatches come from
    optimizers:  settings per phase; a phase missing here uses its own default
    seed:        all randomness follows from it
    averages:    running averages of weights, if there are to be any
    """

    def __init__(
        self,
        model: nn.Module,
        phases: Sequence[Phase],
        schedule: str,
        batches: Batches,
        *,
        optimizers: Mapping[str, OptimizerConfig] | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
        precision: str = "fp32",
        averages: Averages | None = None,
    ) -> None:
        self.model = model
        self.device = torch.device(device)
        self.completed = 0
        self.descents = _descents(model, phases, optimizers or {})
        self._plan = _plan(schedule, self.descents)
        self._draws = draws_in(schedule)
        self._step = Step(model, batches, seed=seed, device=self.device)
        self._precision = precision
        self._seed = seed
        self._after = [part for part in parts_of(model) if type(part).after is not Component.after]
        self._recorded: dict[str, list[Tensor]] | None = None
        self.averages = averages

    def iterate(self, record: bool = False) -> dict[str, float]:
        """One iteration. With `record`, the value of every term, under phase/term.

        Raises:  DivergedError when a recorded term is not finite
        """
        number = self.completed
        self._recorded = {} if record else None
        self._begin(number)
        for entry in self._plan:
            if isinstance(entry, Minibatch):
                self._draw(entry, number)
            else:
                self._update(entry)
        self._end_iteration()
        self.completed = number + 1
        return self._values() if record else {}

    def _begin(self, number: int) -> None:
        self._seed_layers(mix(self._seed, number, "layers"))
        self._step.begin(number)

    def _draw(self, entry: Minibatch, number: int) -> None:
        batch = None if entry.batch is None else number * self._draws + entry.batch
        self._step.draw(entry.position, batch)

    def _seed_layers(self, seed: int) -> None:
        """For layers that draw from torch's own generators, such as dropout."""
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _update(self, update: Update) -> None:
        """Take the gradients of all phases of a group, then step all, then forget what moved."""
        step = self._step
        active = [descent for descent in update.descents if self._is_due(descent, update)]
        held = [self._gradients(descent, update, keep_graph=descent is not active[-1]) for descent in active]
        for descent, gradients in zip(active, held, strict=True):
            self._move(descent, gradients)
        for descent in active:
            step.forget(descent.ids)

    def _is_due(self, descent: Descent, update: Update) -> bool:
        phase = descent.phase
        if phase.when is None:
            return True
        with self._step.in_phase(f"{phase.name}/when", update.position, update.moving):
            return take_answer(phase.when(self._step), phase.when)

    def _gradients(self, descent: Descent, update: Update, *, keep_graph: bool) -> Sequence[Tensor | None]:
        step, phase = self._step, descent.phase
        with step.in_phase(phase.name, update.position, update.moving):
            with self._autocast():
                terms = take_terms(phase.loss(step), phase.loss)
            total = _total(terms, phase.name)
            gradients: Sequence[Tensor | None] = [None] * len(descent.weights)
            if total.requires_grad:
                gradients = torch.autograd.grad(
                    total, descent.weights, allow_unused=True, retain_graph=keep_graph or None
                )
        if not descent.checked:
            _check_reached(descent, gradients)
            descent.checked = True
        if self._recorded is not None:
            for name, value in terms.items():
                self._recorded.setdefault(f"{phase.name}/{name}", []).append(value.detach())
        return gradients

    def _move(self, descent: Descent, gradients: Sequence[Tensor | None]) -> None:
        """Step with these gradients alone: they are attached for this step and taken off again."""
        for weight, gradient in zip(descent.weights, gradients, strict=True):
            weight.grad = gradient
        for name in descent.steps:  # mostly its own alone
            owner = self.descents[name]
            config, optimizer = owner.config, owner.optimizer
            assert config is not None and optimizer is not None
            if not isinstance(config.lr, float):
                set_learning_rate(optimizer, config.lr(self.completed))
            if config.clip is not None:
                torch.nn.utils.clip_grad_norm_(owner.weights, config.clip)
            optimizer.step()
        for weight in descent.weights:
            weight.grad = None
        if descent.phase.after is not None:
            with torch.no_grad():
                descent.phase.after()

    def _end_iteration(self) -> None:
        with torch.no_grad():
            for index, part in enumerate(self._after):
                with self._step.in_phase(f"after/{index}", len(self._plan)):
                    part.after(self._step)
        if self.averages is not None:
            self.averages.update(self.completed)

    # -- averaged weights ----------------------------------------------------------------------------

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The model with averaged weights, and running statistics to match, for a while."""
        if self.averages is None:
            yield
            return
        buffers = [buffer for norm in batch_norms(self.model) for buffer in norm.buffers()]
        kept = [buffer.clone() for buffer in buffers]
        try:
            with self.averages.in_place():
                self.restate()
                yield
        finally:
            for buffer, before in zip(buffers, kept, strict=True):
                buffer.copy_(before)

    def keep_average(self) -> None:
        """From here on the averaged weights are the model."""
        if self.averages is not None:
            self.averages.keep()
            self.restate()

    def restate(self, iterations: int = 100) -> None:
        """Running statistics of the weights as they are: the mean over iterations that move nothing.

        They follow the same passes as in training, and become what they would at a learning rate of 0.
        """
        norms = batch_norms(self.model)
        if not norms:
            return
        with fresh_statistics(norms):
            for number in range(self.completed, self.completed + iterations):
                self._begin(number)
                for entry in self._plan:
                    if isinstance(entry, Minibatch):
                        self._draw(entry, number)
                    else:
                        self._look(entry)

    def _look(self, update: Update) -> None:
        """The losses of a group, and nothing of what follows from them."""
        step = self._step
        active = [descent for descent in update.descents if self._is_due(descent, update)]
        for descent in active:
            with step.in_phase(descent.phase.name, update.position, update.moving), self._autocast():
                descent.phase.loss(step)
        for descent in active:
            step.forget(descent.ids)

    def _autocast(self) -> AbstractContextManager[object]:
        if self._precision != "bf16":
            return nullcontext()
        # no cache: a weight cast by a pass without graph would be reused, without graph, by one with
        return torch.autocast(self.device.type, dtype=torch.bfloat16, cache_enabled=False)

    def _values(self) -> dict[str, float]:
        """Recorded terms as numbers, averaged over the rounds of this iteration; one transfer for all."""
        assert self._recorded is not None
        series = {**self._recorded, **self._step.notes}
        if not series:
            return {}
        means = torch.stack([torch.stack([v.float() for v in values]).mean() for values in series.values()])
        numbers = dict(zip(series, means.tolist(), strict=True))
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise divergence_error(name, value, self.completed)
        return numbers

    def check_weights(self) -> None:
        """Raises DivergedError naming the first weight that is not finite."""
        for name, weight in self.model.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                raise divergence_error(name, math.nan, self.completed)

    # -- state, by name, for exact resume -----------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Moments of all optimizers and averaged weights, keyed by phase and weight."""
        tensors: dict[str, Tensor] = {}
        for phase, descent in self.descents.items():
            if descent.optimizer is None:
                continue
            for name, weight in zip(descent.names, descent.weights, strict=True):
                for key, value in descent.optimizer.state.get(weight, {}).items():
                    tensors[f"optimizer/{phase}/{name}/{key}"] = value
        if self.averages is not None:
            tensors |= self.averages.state()
        return tensors

    def load_state(self, tensors: Mapping[str, Tensor], completed: int) -> None:
        """Take up the state of `state()` after that many completed iterations."""
        self.completed = completed
        for phase, descent in self.descents.items():
            descent.checked = completed > 0
            if descent.optimizer is None:
                continue
            for name, weight in zip(descent.names, descent.weights, strict=True):
                prefix = f"optimizer/{phase}/{name}/"
                moments = {
                    key.removeprefix(prefix): value
                    for key, value in tensors.items()
                    if key.startswith(prefix)
                }
                if moments:
                    descent.optimizer.state[weight] = {
                        key: _like(key, value, weight, descent.optimizer) for key, value in moments.items()
                    }
        if self.averages is not None:
            self.averages.load(tensors)


def parts_of(model: nn.Module) -> list[Component]:
    """The parts that take part in training: an autoencoder's own, or all those inside another module."""
    if isinstance(model, Autoencoder):
        return model.parts()
    return [part for part in model.modules() if isinstance(part, Component)]


def divergence_error(name: str, value: float, completed: int) -> DivergedError:
    """The error for a term or weight that is not finite."""
    return DivergedError(
        f"training diverged: {name} is {value} at step {completed}",
        fix="lower the learning rate of that phase, or clip its gradient: --set optimizer.PHASE.clip=1.0",
    )


def _like(key: str, value: Tensor, weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> Tensor:
    """A loaded moment where the optimizer keeps it: step counts of plain optimizers live on the CPU."""
    fused = any(group.get("fused") for group in optimizer.param_groups)
    device = torch.device("cpu") if key == "step" and not fused else weight.device
    moment = value.to(device).clone()
    if moment.shape == weight.shape and moment.dim() == 4:
        channels_last = weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
        return moment.contiguous(
            memory_format=torch.channels_last if channels_last else torch.contiguous_format
        )
    return moment


def _total(terms: Terms, phase: str) -> Tensor:
    if not terms:
        raise ConfigError(
            f"the phase '{phase}' has no terms: nothing would be trained",
            where="the parts' terms",
            fix="give it a reconstruction or a part that adds a term",
        )
    first, *others = terms.values()
    return sum(others, start=first)


def _check_reached(descent: Descent, gradients: Sequence[Tensor | None]) -> None:
    """On a phase's first run every weight it claims must lie behind its loss."""
    lost = [name for name, gradient in zip(descent.names, gradients, strict=True) if gradient is None]
    if lost:
        raise ConfigError(
            f"the phase '{descent.phase.name}' moves {lost[0]}, but its loss does not depend on it"
            + (f" (nor on {len(lost) - 1} more)" if len(lost) > 1 else ""),
            where=f"the loss of phase '{descent.phase.name}'",
            fix="choose a divergence that trains this prior"
            if lost[0].startswith(("prior.", "during."))
            else "leave the weight out of the phase's `moves`, or list it in the part's `apart`",
        )


def _descents(
    model: nn.Module, phases: Sequence[Phase], optimizers: Mapping[str, OptimizerConfig]
) -> dict[str, Descent]:
    names = {id(weight): name for name, weight in model.named_parameters()}
    descents: dict[str, Descent] = {}
    for phase in phases:
        if phase.name in descents:
            raise ConfigError(
                f"two parts have a phase called '{phase.name}'",
                where="regularizer",
                fix="leave one of the parts out, or let the part say self.named('...'), "
                "which puts the label of its section before the name",
            )
        assert phase.name not in ("batch", "noise"), f"a phase cannot be called '{phase.name}': it is a draw"
        weights = moved_weights(phase)
        assert weights, f"the phase '{phase.name}' moves no weights"
        owned = isinstance(phase.optim, OptimizerConfig)
        config = optimizers.get(phase.name, phase.optim) if owned else None
        assert config is None or isinstance(config, OptimizerConfig)
        descents[phase.name] = Descent(
            phase,
            weights,
            [names.get(id(weight), f"unnamed.{index}") for index, weight in enumerate(weights)],
            config,
            None if config is None else make_optimizer(config, weights),
            frozenset(map(id, weights)),
        )
    for descent in descents.values():
        if descent.config is None:
            _check_owners(descent, descents)
    return descents


def _check_owners(descent: Descent, descents: Mapping[str, Descent]) -> None:
    """A phase that borrows optimizers: they exist, and hold all the weights it moves."""
    held: set[int] = set()
    for name in descent.steps:
        owner = descents.get(name)
        assert owner is not None and owner.config is not None, (
            f"'{descent.phase.name}' steps '{name}', which owns none"
        )
        held |= owner.ids
    assert descent.ids <= held, f"'{descent.phase.name}' moves weights that no optimizer it steps holds"


def _plan(schedule: str, descents: Mapping[str, Descent]) -> list[Minibatch | Update]:
    """The schedule with everything that does not change looked up."""
    entries = parse(schedule)
    check_names(entries, descents)
    plan: list[Minibatch | Update] = []
    moving: set[int] = set()
    batches = sum(entry == Sampling("batch") for entry in entries)
    for position in reversed(range(len(entries))):  # backwards: what later phases move is known then
        entry = entries[position]
        if isinstance(entry, Group):
            group = tuple(descents[name] for name in entry.phases)
            moving |= {identity for descent in group for identity in descent.ids}
            plan.append(Update(position, group, frozenset(moving)))
        else:
            moving = set()
            batches -= entry.what == "batch"
            plan.append(Minibatch(position, batches if entry.what == "batch" else None))
    return plan[::-1]
