"""Binary cross-entropy: each pixel a coin. Kingma & Welling, ICLR 2014 (arXiv:1312.6114), appendix C.1."""

from __future__ import annotations

from typing import Annotated, final

from pydantic import Field
from torch import Tensor

from aezoo.api import ConfigError, Number, Reconstruction, Step, Terms, binary_cross_entropy, value_at


@final
class BCE(Reconstruction):
    """-log p(x | x_hat), mean over the batch. Grey pixels cost their own entropy even when met exactly.

    Sum over pixels, in nats, so that the KL's weight 1 gives the ELBO.
    """

    binary = True

    def __init__(
        self,
        *,
        range: tuple[float, float] | None,
        weight: Annotated[Number, Field(description="multiplies the cost in nats, >= 0; or a ramp")] = 1.0,
    ) -> None:
        super().__init__()
        if range is None or tuple(range) != (0.0, 1.0):
            raise ConfigError(
                f"bce needs data in [0, 1], and this data set's range is {range or 'unbounded'}",
                where="reconstruction.name",
                fix="choose another reconstruction, such as 'mse' or 'gaussian'",
            )
        self.weight = weight

    def terms(self, step: Step) -> Terms:
        cost = binary_cross_entropy(step.x, step.x_hat).mean()
        return {"bce": value_at(self.weight, step.number) * cost}

    def log_likelihood(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """log p(x | z) of independent coins, nats [B], whatever the weight.

        A probability for x of zeros and ones only. For grey x it is no density, as it does not integrate to 1
        over [0, 1].
        """
        return -binary_cross_entropy(x, x_hat)
