"""What an encoder makes of the latent space: how much of it is used, and whether the prior covers it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, final

from pydantic import Field

from aezoo.api import Measure, ModelMetric, Value, generator_for, metrics

if TYPE_CHECKING:
    from aezoo.api import Evaluation


@final
class Codes(ModelMetric):
    """Of test rows: units and rank of codes without noise, the gap between drawn codes and the prior."""

    measures = {
        "active_units": Measure("higher", "dimensions of the code that vary, of m (Burda et al. 2016)"),
        "effective_rank": Measure("higher", "exp of the entropy of the codes' variances, 1..m"),
        "prior_gap": Measure("lower", "sliced W2 distance between draws of codes and of the prior"),
        "prior_gap_floor": Measure(None, "the same between two sets of draws: what no prior can go below"),
    }
    quick = True

    def __init__(
        self,
        threshold: Annotated[
            float, Field(gt=0, description="variance over the data from which a unit is active, > 0")
        ] = 0.01,
    ) -> None:
        self.threshold = threshold

    def measure(self, evaluation: Evaluation) -> Iterator[Value]:
        """All four."""
        z = evaluation.codes("test").z
        yield Value("active_units", metrics.active_units(z, self.threshold), "codes")
        if not bool((z == z[0]).all()):  # equal codes span no dimension
            yield Value("effective_rank", metrics.effective_rank(z), "codes")
        seed, model = evaluation.seed, evaluation.model
        first, second = (
            model.sample_codes(len(z), generator_for(model.device, seed, "codes", place)).cpu()
            for place in (0, 1)
        )
        distance = partial(metrics.sliced_wasserstein, seed=seed)
        gap, floor = metrics.posterior_gap(evaluation.aggregated(), first, second, distance)
        yield Value("prior_gap", gap, "codes")
        yield Value("prior_gap_floor", floor, "codes")
