"""Squared error: the cost of FlexAE and of most Wasserstein autoencoders."""

from __future__ import annotations

from typing import Annotated, Literal, final

from pydantic import Field

from aezoo.api import Number, Reconstruction, Step, Terms, squared_error, value_at


@final
class MSE(Reconstruction):
    """||x - x_hat||^2, mean over the batch.

    Published weights of other terms mean nothing without the reduction: the ratio is D.
    """

    def __init__(
        self,
        *,
        weight: Annotated[Number, Field(description="multiplies the cost, >= 0; or a ramp")] = 1.0,
        reduction: Annotated[
            Literal["sum", "mean"], Field(description="over the D values of an image: their sum or mean")
        ] = "sum",
    ) -> None:
        super().__init__()
        self.weight, self.reduction = weight, reduction

    def terms(self, step: Step) -> Terms:
        cost = squared_error(step.x, step.x_hat).mean()
        if self.reduction == "mean":
            cost = cost / step.x[0].numel()
        return {"mse": value_at(self.weight, step.number) * cost}
