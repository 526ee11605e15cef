"""Numbers that change with the training step: learning rates, weights of terms."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from aezoo.config.base import Config


class Ramp(Config):
    """A number that moves from `start` to `end`, optionally after a warm-up from 0 to `start`.

    A pure function of the step, so that a resumed run needs no state for it.

    >>> Ramp(start=0.0, end=1.0, steps=10)(5)
    0.5
    """

    start: float = Field(ge=0, description="value at the start of the ramp, >= 0")
    end: float = Field(ge=0, description="value from step `warmup + steps` on, >= 0")
    steps: int = Field(gt=0, description="length of the ramp, steps")
    shape: Literal["linear", "cosine"] = Field("linear", description="how it moves in between")
    warmup: int = Field(0, ge=0, description="steps of linear rise from 0 to `start`, first")

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.start * step / self.warmup
        progress = min((step - self.warmup) / self.steps, 1.0)
        if self.shape == "cosine":
            progress = 0.5 * (1.0 - math.cos(math.pi * progress))
        return self.start + (self.end - self.start) * progress


Number = Annotated[float, Field(ge=0)] | Ramp
"""What a config accepts wherever a number may change with the step: a rate or a weight, >= 0."""


def value_at(number: Number, step: int) -> float:
    """The value of a constant or a ramp at a step."""
    return number(step) if isinstance(number, Ramp) else number
