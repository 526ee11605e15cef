"""Weight decay of the decoder alone. Ghosh et al., ICLR 2020 (RAE-L2, arXiv:1903.12436), section 3.1."""

from __future__ import annotations

from typing import Annotated, final

import torch
from pydantic import Field
from torch import nn

from aezoo.api import Autoencoder, ConfigError, Number, Regularizer, Step, Terms, value_at


@final
class DecoderDecay(Regularizer):
    """w sum ||W||_F^2 over the decoder's matrices and kernels; no biases, no normalisation.

    The authors spare the first layer on MNIST and CIFAR-10, not on CelebA.
    """

    def __init__(
        self,
        *,
        weight: Annotated[
            Number, Field(description="multiplies the sum of squared weights, >= 0; or a ramp")
        ] = 1e-6,
        skip_first: Annotated[bool, Field(description="leave out the decoder's first layer")] = False,
    ) -> None:
        super().__init__()
        self.weight, self.skip_first = weight, skip_first

    def attach(self, model: Autoencoder) -> None:
        """Refuse a decoder with nothing to decay."""
        if not self._matrices(model.decoder):
            raise ConfigError(
                "decoder-decay finds no weight matrix in this decoder",
                where="regularizer.decoder-decay",
                fix="leave it out, or set skip_first = false",
            )

    def terms(self, step: Step) -> Terms:
        squares = [weight.square().sum() for weight in self._matrices(step.model.decoder)]
        return {self.named("decoder_decay"): value_at(self.weight, step.number) * torch.stack(squares).sum()}

    def _matrices(self, decoder: nn.Module) -> list[nn.Parameter]:
        return kernels(decoder)[1 if self.skip_first else 0 :]


def kernels(module: nn.Module) -> list[nn.Parameter]:
    """Weight matrices and convolution kernels, in the order in which the layers were made."""
    layers = (layer for layer in module.modules() if not isinstance(layer, nn.LayerNorm | nn.RMSNorm))
    named = (weight for layer in layers for weight in layer.named_parameters(recurse=False))
    return [weight for name, weight in named if weight.dim() >= 2 and name != "bias"]
