"""The negative log-likelihood by importance sampling. Burda et al., ICLR 2016 (arXiv:1509.00519)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, final

import torch
from pydantic import Field

from aezoo.api import Measure, ModelMetric, Value, generator_for, metrics

if TYPE_CHECKING:
    from aezoo.api import Evaluation


@final
class NLL(ModelMetric):
    """-log p(x), an upper bound, of models whose encoder, prior and reconstruction all have a density."""

    measures = {"nll": Measure("lower", "nats per row, mean over test rows; an upper bound")}

    def __init__(
        self,
        samples: Annotated[
            int, Field(gt=0, description="codes drawn for each row, > 0; more make the bound tighter")
        ] = 100,
    ) -> None:
        self.samples = samples

    def measure(self, evaluation: Evaluation) -> Iterator[Value]:
        """The bound.

        Raises:  ConfigError for a model without one, with the part that lacks a density
        """
        model = evaluation.model
        generator = generator_for(model.device, evaluation.seed, "nll")
        x = evaluation.sets.x_test().to(model.device)
        nats: torch.Tensor = metrics.importance_nll(model, x, samples=self.samples, generator=generator)
        yield Value("nll", float(nats.double().mean()), "likelihood")
