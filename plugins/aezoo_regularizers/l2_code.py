"""A pull of the codes towards 0. Ghosh et al., ICLR 2020 (RAE, arXiv:1903.12436), equation 9."""

from __future__ import annotations

from typing import Annotated, Literal, final

from pydantic import Field

from aezoo.api import Number, Regularizer, Step, Terms, at_least_float32, value_at


@final
class L2Code(Regularizer):
    """beta times the squared code, mean over the batch. The weight means nothing without the reduction."""

    def __init__(
        self,
        *,
        weight: Annotated[
            Number, Field(description="beta, multiplies the squared codes, >= 0; or a ramp")
        ] = 1e-4,
        reduction: Annotated[
            Literal["mean", "half-sum"],
            Field(description="over latent dimensions: their mean, or half their sum as the paper prints it"),
        ] = "mean",
    ) -> None:
        super().__init__()
        self.weight, self.reduction = weight, reduction

    def terms(self, step: Step) -> Terms:
        square = at_least_float32(step.z).square()  # [B, m]
        # the paper's formula is half the sum; the authors' code takes the mean, and so do their weights
        size = square.mean(dim=1) if self.reduction == "mean" else 0.5 * square.sum(dim=1)
        return {self.named("l2_code"): value_at(self.weight, step.number) * size.mean()}
