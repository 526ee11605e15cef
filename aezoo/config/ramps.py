"""Numbers that change with the training step: learning rates, weights of terms."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, NonNegativeFloat, PositiveInt, Tag, model_validator

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


class Staircase(Config):
    """A number that changes at once at some steps: the step decay of a learning rate.

    >>> halved = Staircase(values=(1.0, 0.5), at=(1000,))
    >>> halved(999), halved(1000)
    (1.0, 0.5)
    """

    values: tuple[NonNegativeFloat, ...] = Field(min_length=1, description="one after the other, each >= 0")
    at: tuple[PositiveInt, ...] = Field(description="the steps at which the second begins, the third, ...")

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        if len(self.at) != len(self.values) - 1:
            count = len(self.values)
            raise ValueError(f"{count} values need {count - 1} steps between them, not {len(self.at)}")
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"the steps {list(self.at)} do not rise")
        return self

    def __call__(self, step: int) -> float:
        return self.values[bisect_right(self.at, step)]


def _kind(value: Any) -> str:
    """Which of a number's forms is meant, so that faults are told of that one alone."""
    if isinstance(value, Mapping):
        return "Staircase" if "values" in value or "at" in value else "Ramp"
    return type(value).__name__ if isinstance(value, Ramp | Staircase) else "number"


Number = Annotated[
    Annotated[NonNegativeFloat, Tag("number")]
    | Annotated[Ramp, Tag("Ramp")]
    | Annotated[Staircase, Tag("Staircase")],
    Discriminator(_kind),
]
"""What a config accepts wherever a number may change with the step: a rate or a weight, >= 0."""

Count = Annotated[
    Annotated[PositiveInt, Tag("number")]
    | Annotated[Ramp, Tag("Ramp")]
    | Annotated[Staircase, Tag("Staircase")],
    Discriminator(_kind),
]
"""As `Number`, where whole numbers above 0 are meant; those in between are rounded."""


def value_at(number: Number | Count, step: int) -> float:
    """The value of a constant, a ramp or a staircase at a step."""
    return number(step) if isinstance(number, Ramp | Staircase) else number
