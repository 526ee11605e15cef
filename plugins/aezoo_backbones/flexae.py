"""The network of FlexAE's released code. Mondal et al., UAI 2021; dair-iitd/FlexAE, FlexAESR.py.

Close to, but not equal to, the "InfoGAN" network of the 2-stage VAE (Dai & Wipf, ICLR 2019).
"""

from __future__ import annotations

from typing import final

from torch import Tensor, nn

from aezoo.api import ConfigError, glorot_normal_, glorot_uniform_

# The defaults of tf.layers: decay 0.99 of the running statistics, eps 1e-3.
MOMENTUM, EPS = 0.01, 1e-3


@final
class FlexAE:
    """Two stride-2 convolutions and a layer of 1024 units; the decoder ends in a 3x3 convolution.

    Initial weights, as released: Glorot uniform in the encoder, Glorot normal in the decoder, zero biases.
    """

    def encoder(self, shape: tuple[int, ...]) -> nn.Module:
        """x [B, C, H, W] -> features [B, 1024].

        Raises:  ConfigError unless shape is (C, H, W) with sides that are multiples of 4
        """
        return glorot_uniform_(_Encoder(*_quarters(shape)))

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
        """z [B, m] -> [B, C, H, W], unbounded.

        Raises:  ConfigError unless shape is (C, H, W) with sides that are multiples of 4
        """
        channels, height, width = _quarters(shape)
        return glorot_normal_(
            nn.Sequential(
                *_linear(latent_dim, 1024),
                *_linear(1024, 128 * height * width),
                nn.Unflatten(1, (128, height, width)),
                *_double(128, 128),
                *_double(128, 64),
                nn.Conv2d(64, channels, 3, padding=1),
            )
        )


@final
class _Encoder(nn.Module):
    features = 1024

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 64, 4, 2, padding=1),  # the first layer has no BatchNorm
            nn.ReLU(),
            nn.Conv2d(64, 128, 4, 2, padding=1),
            nn.BatchNorm2d(128, EPS, MOMENTUM),
            nn.ReLU(),
            nn.Flatten(),
            *_linear(128 * height * width, self.features),
        )

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.layers(x)
        return h


def _linear(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out, EPS, MOMENTUM), nn.ReLU()


def _double(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    up = nn.ConvTranspose2d(n_in, n_out, 4, 2, padding=1)
    return up, nn.BatchNorm2d(n_out, EPS, MOMENTUM), nn.ReLU()


def _quarters(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or shape[1] % 4 or shape[2] % 4:
        raise ConfigError(
            f"the flexae backbone cannot take x of shape {tuple(shape)}: it wants (C, H, W) with "
            "sides that are multiples of 4",
            where="backbone.name",
            fix="use the backbone 'conv' for other sides, or 'mlp' for vectors",
        )
    return shape[0], shape[1] // 4, shape[2] // 4
