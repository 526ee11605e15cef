"""The negative log-likelihood by importance sampling. Burda et al., ICLR 2016 (arXiv:1509.00519).

Of rounded images, dequantised: Theis et al., ICLR 2016 (arXiv:1511.01844).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, final

import torch
from pydantic import Field

from aezoo.api import Data, Measure, ModelMetric, Value, generator_for, metrics

if TYPE_CHECKING:
    from aezoo.api import Evaluation

ROUNDED = 1e-3  # of a level: what float32 leaves of a whole number of them


@final
class NLL(ModelMetric):
    """-log p(x), an upper bound, of models whose encoder, prior and reconstruction all have a density."""

    measures = {
        "nll": Measure(
            "lower", "nats per row, mean over test rows; an upper bound; of images those of their levels"
        )
    }

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
        level = level_of(evaluation.data, x)
        nats: torch.Tensor = metrics.importance_nll(
            model, x, samples=self.samples, generator=generator, level=level
        )
        rounding = {"rounding": "none" if level is None else "dequantised"}
        yield Value("nll", float(nats.double().mean()), "likelihood", protocol=rounding)


def level_of(data: Data, x: torch.Tensor) -> float | None:
    """The distance of the values that x was rounded to: of small integers one of them, of images 8 bits.

    None for vectors, and for images that are at none of the 256 levels.
    """
    if data.scale != 1.0:
        return data.scale
    low, high = data.range or (0.0, 1.0)
    levels = (x - low) * (255 / (high - low))
    rounded = data.is_image and bool((levels - levels.round()).abs().max() < ROUNDED)
    return (high - low) / 255 if rounded else None
