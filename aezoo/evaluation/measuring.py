"""Metrics at work on one model: every set, in every space, by every measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

import torch
from torch import Tensor

from aezoo.data.memory import CHUNK
from aezoo.errors import ConfigError
from aezoo.evaluation.names import STRETCHED
from aezoo.evaluation.protocol import Protocol
from aezoo.evaluation.sets import Sets
from aezoo.evaluation.space import Space
from aezoo.parts.autoencoder import Autoencoder, join
from aezoo.parts.autoencoder import evaluation as in_evaluation
from aezoo.parts.interfaces import FittedPrior
from aezoo.parts.measures import Metric, ModelMetric, PairMetric, SetMetric, Value
from aezoo.parts.types import Data, Posterior
from aezoo.randomness import generator_for

PAIRS = ("reconstruction", "mean")
RUN = "run"  # what a number was to be taken of, where it could not be taken


@dataclass(frozen=True)
class Result:
    """One number.

    metric:    its name, with `[extractor]` where it was measured on features
    of:        the set, or whatever else it was taken of: a row of the table
    value:     None where it could not be taken; `why` then says the reason
    better:    which end is the good one; None: neither
    protocol:  everything it depends on besides the model
    """

    metric: str
    of: str
    value: float | None
    better: Literal["lower", "higher"] | None
    protocol: Protocol
    why: str = ""

    def is_better(self, other: Result) -> bool:
        """Strictly, of two numbers of a measure that has a good end."""
        assert self.value is not None and other.value is not None, (self, other)
        return self.value > other.value if self.better == "higher" else self.value < other.value

    def as_row(self) -> dict[str, Any]:
        """As it stands in results.json."""
        row = {"metric": self.metric, "of": self.of, "value": self.value, "better": self.better}
        return {**row, **({"why": self.why} if self.why else {}), **self.protocol.as_row()}


@dataclass(frozen=True)
class Named:
    """A metric with its name and its own settings, as they stand in the protocol.

    packages:  whose it is, where it is not aezoo's own
    """

    name: str
    metric: Metric
    settings: Mapping[str, Any]
    packages: Mapping[str, str] = field(default_factory=dict)


@final
class Evaluation:
    """What metrics may ask of a run. Each set is made once; features are made anew when asked for again.

    sets:    rows of images or vectors, by name (see `aezoo.evaluation.sets`)
    spaces:  extractors, by name
    plain:   the protocol that all numbers share
    tell:    called with the number of rows that were gone through since the last call
    """

    def __init__(
        self,
        sets: Sets,
        spaces: Mapping[str, Space],
        plain: Protocol,
        tell: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self.sets, self.spaces, self.plain, self._tell = sets, spaces, plain, tell
        self.short: dict[
            str, tuple[int, int]
        ] = {}  # measures of too few rows: their number, that of features

    @property
    def model(self) -> Autoencoder:
        return self.sets.model

    @property
    def data(self) -> Data:
        return self.sets.data

    @property
    def seed(self) -> int:
        return self.sets.seed

    def features(self, of: str, space: str) -> Tensor:
        """Features float32 [N, d] of a set."""
        return self.spaces[space].features(self.sets.rows(of), self._tell)

    def rows(self, *of: str, most: int | None = None) -> Tensor:
        """A set in x itself, flattened and in [0, 1]: float32 [N, D]; vectors as they are.

        of:    several sets stand one after the other
        most:  how many rows of them are taken, from the first on
        """
        rows = torch.cat([self.sets.rows(one) for one in of]) if len(of) > 1 else self.sets.rows(of[0])
        rows = rows[:most].flatten(1)
        return rows.float().div_(255) if rows.dtype == torch.uint8 else rows

    def codes(self, split: Literal["train", "test"], n: int | None = None) -> Posterior:
        """The posterior of the chosen test rows, or of n training rows (see `Sets.training_places`).

        In evaluation mode and without noise, on the CPU.
        """
        device = self.model.device
        if split == "test":
            chunks: Iterable[Tensor] = self.sets.x_parts()
        else:
            chosen = self.sets.training_places(n).split(CHUNK)
            chunks = (self.data.x(self.data.train.values[places]) for places in chosen)
        return join([_on_cpu(self.model.encode(x.to(device))) for x in chunks])

    def aggregated(self) -> Tensor:
        """One draw from the posterior of each chosen test row [n, m]: what the prior has to meet.

        Means will not do: where a stochastic encoder ignores x they are all the same, and its draws are the
        prior's. A prior that was fitted to codes without noise has to meet those.
        """
        model, device = self.model, self.model.device
        if isinstance(model.prior, FittedPrior) and "log_var" not in model.prior.reads:
            return self.codes("test").z
        generator = generator_for(device, self.seed, "evaluation", "codes")
        with in_evaluation(model):
            drawn = [model.encoder(x.to(device), generator).z for x in self.sets.x_parts()]
        return torch.cat(drawn).cpu()

    # -- measuring ---------------------------------------------------------------------------------

    def measure(self, metrics: Sequence[Named], of: Sequence[str] = STRETCHED) -> list[Result]:
        """Every metric's results: pairs first, then sets in each space, then the model's own."""
        found: list[Result] = []
        for named in metrics:
            if isinstance(named.metric, PairMetric):
                found += self._pairs(named, named.metric, [one for one in of if one in PAIRS])
        for space in self.spaces.values():
            found += self._in_space(space, metrics, of)
        for named in metrics:
            if isinstance(named.metric, ModelMetric):
                found += self._of_model(named, named.metric)
        return found

    def _pairs(self, named: Named, metric: PairMetric, of: Sequence[str]) -> Iterator[Result]:
        """x against what the model makes of it, unrounded; and against the mean training row."""
        protocol = self._plain(named)
        for one in of:
            for measure, value in self._pair_values(metric, one).items():
                yield Result(measure, one, value, metric.measures[measure].better, protocol)

    def _pair_values(self, metric: PairMetric, of: str) -> dict[str, float]:
        device, totals, rows = self.model.device, dict[str, float](), 0
        mean = self.sets.mean_row().to(device) if of == "mean" else None
        for chunk in self.sets.x_parts():
            x = chunk.to(device)
            x_hat = self.model.reconstruct(x) if mean is None else mean.expand_as(x)
            for measure, values in metric.compare(x, x_hat).items():
                totals[measure] = totals.get(measure, 0.0) + float(values.double().sum())
            rows += len(x)
            self._tell(len(x))
        return {measure: total / rows for measure, total in totals.items()}

    def _in_space(self, space: Space, metrics: Sequence[Named], of: Sequence[str]) -> list[Result]:
        between = [named for named in metrics if isinstance(named.metric, SetMetric)]
        chosen = [one for named in between for one in _instead(named, space)]
        if not chosen:
            return []
        real = self.features("test", space.name)
        _check_alive(real, space)
        found: list[list[Result]] = [[] for _ in chosen]
        for one in of:
            fake = self.features(one, space.name)
            for named, results in zip(chosen, found, strict=True):
                assert isinstance(named.metric, SetMetric)
                results += self._compare(named, named.metric, space, one, fake, real)
                self._tell(self.sets.n)
        return [result for results in found for result in results]

    def _compare(
        self, named: Named, metric: SetMetric, space: Space, of: str, fake: Tensor, real: Tensor
    ) -> Iterator[Result]:
        protocol = self._protocol(named, space, of, len(fake))
        try:
            values: Mapping[str, float | str] = metric.compare(fake, real, self.seed)
        except ConfigError as err:  # this pair of sets has no such numbers, such as too few rows' neighbours
            values = dict.fromkeys(metric.measures, err.what)
        for name, measure in metric.measures.items():
            if name in values:
                label, value = name if metric.bare else f"{name}[{space.name}]", values[name]
                rows = min(len(fake), len(real))
                if metric.spans and rows <= fake.shape[1]:
                    self.short[label] = (rows, fake.shape[1])
                number, why = (None, value) if isinstance(value, str) else (value, "")
                yield Result(label, of, number, measure.better, protocol, why)

    def _of_model(self, named: Named, metric: ModelMetric) -> Iterator[Result]:
        own = self._plain(named)
        found = set()
        try:
            for value in metric.measure(self):
                found.add(value.measure)
                yield self._result_of(named, metric, value, own)
        except ConfigError as err:  # this run has none, such as a probe of one class alone
            for name, measure in metric.measures.items():
                if name not in found:
                    yield Result(name, RUN, None, measure.better, own, err.what)

    def _result_of(self, named: Named, metric: ModelMetric, value: Value, own: Protocol) -> Result:
        space, label = self.spaces.get(value.space), value.measure
        if space is not None:
            own, label = self._protocol(named, space, value.of, own.n_fake), f"{value.measure}[{space.name}]"
        protocol = replace(own, **value.protocol)
        return Result(label, value.of, value.value, metric.measures[value.measure].better, protocol)

    def _protocol(self, named: Named, space: Space, of: str, n_fake: int) -> Protocol:
        stretched = of.startswith("stretched")
        return replace(
            self.plain,
            n_fake=n_fake,
            extractor=space.name,
            layer=space.extractor.layer,
            resize=space.extractor.resize,
            weights_sha256=space.extractor.sha256,
            rounding="8 bits" if self.data.is_image and not stretched else "none",
            stretched=stretched,
            engine=named.metric.engine,
            settings=named.settings,
            packages={**named.packages, **space.packages},
        )

    def _plain(self, named: Named) -> Protocol:
        """Without a space."""
        return replace(
            self.plain, settings=named.settings, engine=named.metric.engine, packages=named.packages
        )


def _instead(named: Named, space: Space) -> list[Named]:
    """The metric, or those that take its place on these features."""
    others = space.extractor.instead.get(named.name)
    return [named] if others is None else [Named(named.name, other, {}) for other in others]


def _check_alive(real: Tensor, space: Space) -> None:
    if bool((real == real[0]).all()):
        raise ConfigError(
            f"the extractor '{space.name}' gives the same features for all {len(real)} test rows",
            where="--extractor",
            fix="choose another one: in such a space every set is alike",
        )


def _on_cpu(posterior: Posterior) -> Posterior:
    moved = {name: value.cpu() for name, value in vars(posterior).items() if isinstance(value, Tensor)}
    return replace(posterior, **moved)
