"""TensorFlow's "same" padding, which may pad one pixel more at the end than at the start."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn
from torch.nn import functional as F

from aezoo.errors import ConfigError


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one side, such that ceil(side / stride) outputs come out.

    Source:  TensorFlow's convolution documentation, "Padding"

    >>> same_padding(28, kernel=4, stride=1)
    (1, 2)
    >>> same_padding(28, kernel=4, stride=2)
    (1, 1)
    """
    outputs = -(-side // stride)
    total = max((outputs - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


@final
class SameConv2d(nn.Conv2d):
    """A convolution with "same" padding.

    Shapes:  [B, in, H, W] -> [B, out, ceil(H / stride), ceil(W / stride)]
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__(n_in, n_out, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        top, bottom = same_padding(x.shape[-2], kernel, stride)
        left, right = same_padding(x.shape[-1], kernel, stride)
        if top == bottom and left == right:  # no copy where the layer can pad by itself
            return F.conv2d(x, self.weight, self.bias, stride, (top, left))
        x = F.pad(x, (left, right, top, bottom))
        return F.conv2d(x, self.weight, self.bias, stride)


@final
class SameConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution with "same" padding: the gradient of `SameConv2d` by its input.

    Shapes:  [B, in, H, W] -> [B, out, H * stride, W * stride]
    Raises:  ConfigError for a kernel smaller than the stride, which would leave gaps
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1) -> None:
        if kernel < stride:
            raise ConfigError(
                f"a transposed convolution with kernel {kernel} and stride {stride} leaves gaps",
                fix="use a kernel at least as large as the stride",
            )
        super().__init__(n_in, n_out, kernel, stride)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        stride = self.stride[0]
        height, width = x.shape[-2] * stride, x.shape[-1] * stride
        start = (self.kernel_size[0] - stride) // 2
        y = F.conv_transpose2d(x, self.weight, self.bias, stride, start)
        return y[..., :height, :width]  # the end has one row more to crop where k - s is odd
