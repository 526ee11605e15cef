"""Metrics that break a rule."""

import pytest
import torch

from aezoo.api import Measure, ModelMetric, SetMetric, Value
from aezoo.metrics import importance_nll
from aezoo.registry import registry
from aezoo.testing import check_component, metrics
from tests.rules import each_breaks


class Plain(SetMetric):
    """A metric as it should be; the ones below change one thing each."""

    measures = {"gap": Measure("lower", "distance of the means, >= 0")}

    def compare(self, fake, real, seed):
        return {"gap": float((fake.mean(0) - real.mean(0)).norm())}


class Undeclared(Plain):
    def compare(self, fake, real, seed):
        return {"distance": 1.0}


class Overflowing(Plain):
    def compare(self, fake, real, seed):
        return {"gap": float("inf")}


class Diced(Plain):
    def compare(self, fake, real, seed):
        return {"gap": float(torch.rand(()))}


class Centred(Plain):
    def compare(self, fake, real, seed):
        return {"gap": float(fake.sub_(real.mean(0)).mean())}


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    metrics,
    ("measures", "metric", Undeclared),
    ("measures", "metric", Overflowing),
    ("repeatable", "metric", Diced),
    ("repeatable", "metric", Centred),
)


class Bound(ModelMetric):
    measures = {"bound": Measure("lower", "nats per row")}

    def measure(self, evaluation):
        x, generator = evaluation.sets.x_test(), torch.Generator().manual_seed(evaluation.seed)
        nats = importance_nll(evaluation.model, x, samples=2, generator=generator)
        yield Value("bound", float(nats.mean()), "likelihood")


@pytest.mark.parametrize("metric", [Plain, Bound])
def test_a_metric_that_breaks_none_passes_also_where_no_part_is_registered(metric, monkeypatch):
    monkeypatch.setenv("AEZOO_DISABLE_PLUGINS", "aezoo")
    with registry.isolate():
        assert registry.list_components() == []
        check_component("metric", metric)
