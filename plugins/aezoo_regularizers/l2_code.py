"""A pull of the codes towards 0. Ghosh et al., ICLR 2020 (RAE, arXiv:1903.12436), equation 9."""

from __future__ import annotations

from typing import Literal, final

from pydantic import Field

from aezoo.api import Config, Number, Regularizer, Step, Terms, value_at

Reduction = Literal["mean", "half-sum"]


class L2CodeConfig(Config):
    """The weight means nothing without the reduction."""

    weight: Number = Field(1e-4, description="beta, multiplies the squared codes, >= 0; or a ramp")
    reduction: Reduction = Field(
        "mean", description="over latent dimensions: their mean, or half their sum as the paper prints it"
    )


@final
class L2Code(Regularizer):
    """beta times the squared code, mean over the batch."""

    def __init__(self, *, weight: Number = 1e-4, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.weight, self.reduction = weight, reduction

    def terms(self, step: Step) -> Terms:
        square = step.z.square()  # [B, m]
        # the paper's formula is half the sum; the authors' code takes the mean, and so do their weights
        size = square.mean(dim=1) if self.reduction == "mean" else 0.5 * square.sum(dim=1)
        return {"l2_code": value_at(self.weight, step.number) * size.mean()}
