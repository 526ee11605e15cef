"""Metrics: finite numbers of declared measures, the same each time."""

from __future__ import annotations

import math
from typing import Any

import torch

from aezoo.evaluation.measuring import Evaluation
from aezoo.evaluation.protocol import Protocol
from aezoo.evaluation.sets import Sets
from aezoo.parts.measures import Metric, ModelMetric, PairMetric, SetMetric
from aezoo.parts.types import Data, Split
from aezoo.testing.global_state import without_global
from aezoo.testing.plain import plain_model
from aezoo.testing.rule import Fault, rule
from aezoo.testing.specimen import RANGE, Specimen, rows


@rule(
    "measures",
    "metric",
    fix="name each measure in `measures`, with aezoo.api.Measure, and give a finite number for it",
)
def measures(specimen: Specimen) -> None:
    """Every number belongs to a declared measure and is finite."""
    metric = specimen.metric()
    found = _values_of(metric)
    if not found:
        raise Fault("of a small model and made-up rows it measures nothing")
    for name, value in found:
        if name not in metric.measures:
            raise Fault(f"it gives '{name}', which is none of its measures {', '.join(metric.measures)}")
        if not math.isfinite(value):
            raise Fault(f"its '{name}' is {value}")


@rule(
    "repeatable",
    "metric",
    fix="draw from a generator made of the seed that is passed in, and compute with copies",
)
def repeatable(specimen: Specimen) -> None:
    """The same rows and seed give the same numbers; nothing is read from a global generator."""
    first = without_global(lambda: _values_of(specimen.metric()))
    second = without_global(lambda: _values_of(specimen.metric()), 1)
    if first != second:
        raise Fault(f"the same rows give {first} and then {second}")


def give(metric: Metric) -> tuple[str, Any]:
    """The method that a metric is asked by, and what it gives of made-up rows; the rows stay as they were."""
    if isinstance(metric, ModelMetric):
        return "measure", metric.measure(_evaluation())
    a, b = rows(40, (1, 8, 8))[:39], rows(39, (1, 8, 8))[:40]
    if isinstance(metric, SetMetric):
        a, b = a.flatten(1)[:, :6], b.flatten(1)[:, :6]
        before = (a.clone(), b.clone())
        found: Any = metric.compare(a, b, 0)
    elif isinstance(metric, PairMetric):
        before = (a.clone(), b.clone())
        found = metric.compare(a, b)
    else:
        raise Fault(f"{type(metric).__name__} is no SetMetric, PairMetric or ModelMetric")
    if not torch.equal(a, before[0]) or not torch.equal(b, before[1]):
        raise Fault("the rows that it is given are changed in place", "compute with copies")
    return "compare", found


def _values_of(metric: Metric) -> list[tuple[str, float]]:
    _, found = give(metric)
    if isinstance(metric, ModelMetric):
        return [(value.measure, value.value) for value in found]
    return [(name, float(torch.as_tensor(value).float().mean())) for name, value in found.items()]


def _evaluation() -> Evaluation:
    """Of a small model with a likelihood, on made-up images of two classes."""
    shape, labels = (1, 8, 8), torch.arange(80) % 2
    x = rows(80, shape) * (0.5 + 0.5 * labels[:, None, None, None])
    data = Data("made-up", shape, RANGE, Split(x[:56], labels[:56]), Split(x[56:], labels[56:]))
    sets = Sets(plain_model(shape, latent_dim=3), data)
    return Evaluation(sets, {}, Protocol("made-up", sets.n, sets.n))
