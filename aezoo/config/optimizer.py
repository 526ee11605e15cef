"""Which optimizer a phase uses. Torch-free: the optimizer itself is made in `aezoo.training.optimizers`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aezoo.config.base import Config
from aezoo.config.ramps import Number

Beta = Annotated[float, Field(ge=0.0, lt=1.0)]


class OptimizerConfig(Config):
    """An optimizer's settings; each phase has its own, with its own moments.

    Under Adam and RMSprop a constant weight on a phase's whole loss changes nothing but the effect
    of `eps`: the trade-off between phases is the ratio of their learning rates.
    """

    name: Literal["adam", "adamw", "rmsprop", "sgd"] = Field("adam", description="the update rule")
    lr: Number = Field(1e-3, description="learning rate per step, >= 0; a number or a ramp")
    betas: tuple[Beta, Beta] = Field((0.9, 0.999), description="decay of Adam's two moments, [0, 1)")
    eps: float = Field(1e-8, gt=0, description="added to Adam's and RMSprop's denominators, > 0")
    weight_decay: float = Field(0.0, ge=0, description="L2 factor; decoupled in adamw, >= 0")
    momentum: float = Field(0.0, ge=0, lt=1, description="SGD's and RMSprop's momentum, [0, 1)")
    alpha: float = Field(0.99, ge=0, lt=1, description="RMSprop's decay of squared gradients, [0, 1)")
    clip: float | None = Field(
        None, gt=0, description="largest norm of the phase's whole gradient, > 0; none: unclipped"
    )
