"""Initial weights as the published codes draw them: Glorot, with zero biases."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)

# TensorFlow draws "normal" initial weights within two deviations and widens them by this
# number, the deviation of a unit normal cut at 2, so that the variance comes out as asked.
CUT_NORMAL_STD = 0.87962566103423978


def glorot_uniform_(module: M, generator: torch.Generator | None = None) -> M:
    """Glorot uniform weights and zero biases for each linear and convolution layer inside.

    Range:   +- sqrt(6 / (fan in + fan out)); normalisation layers are left alone
    Source:  Glorot & Bengio 2010, eq. 16; the default of tf.layers
    """

    def draw(weight: Tensor) -> Tensor:
        return nn.init.xavier_uniform_(weight, generator=generator)

    return _each_weight(module, draw)


def glorot_normal_(module: M, generator: torch.Generator | None = None) -> M:
    """Glorot normal weights, cut at two deviations, and zero biases for each layer inside.

    Range:   variance 2 / (fan in + fan out); normalisation layers are left alone
    Source:  Glorot & Bengio 2010, eq. 12; tf.keras.initializers.GlorotNormal for the cut
    """

    def draw(weight: Tensor) -> Tensor:
        window = weight[0, 0].numel()  # 1 for linear layers, k * k for convolutions
        fans = (weight.shape[0] + weight.shape[1]) * window
        std = (2.0 / fans) ** 0.5 / CUT_NORMAL_STD
        return nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std, generator=generator)

    return _each_weight(module, draw)


def _each_weight(module: M, draw: Callable[[Tensor], Tensor]) -> M:
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            draw(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module
