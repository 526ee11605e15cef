"""Images of any size and number of channels, brought to those of a network."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from aezoo.api import ConfigError

Shape = tuple[int, ...]
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in grey, ITU-R BT.601


def image_shape(shape: Shape, by: str) -> tuple[int, int, int]:
    """Channels, height and width.

    by:  the extractor's name, for the message

    Raises:  ConfigError for the shape of a vector
    """
    if len(shape) != 3:
        raise ConfigError(
            f"the extractor '{by}' takes images, and rows of this dataset have shape {tuple(shape)}",
            where="extractor",
            fix="choose an extractor of vectors; `aezoo list extractor` shows them all",
        )
    channels, height, width = shape
    return channels, height, width


def colour(x: Tensor, channels: int) -> Tensor:
    """Images [B, channels, H, W]: where the number differs, by way of grey."""
    if x.shape[1] == channels:
        return x
    return grey(x).expand(-1, channels, -1, -1)


def grey(x: Tensor) -> Tensor:
    """One channel: the luma of three, the mean of any other number."""
    if x.shape[1] != len(LUMA):
        return x.mean(1, keepdim=True)
    return (x * x.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Images [B, C, height, width]: bilinear, antialiased where they shrink."""
    if x.shape[-2:] == (height, width):
        return x
    return F.interpolate(x, (height, width), mode="bilinear", antialias=True)


def rule(shape: Shape, own: Shape) -> str:
    """How images of one shape are brought to a network's own, for the protocol; `none` where they are not."""
    steps = []
    if shape[0] != own[0]:
        made = {1: "", len(LUMA): "grey by luma"}.get(shape[0], "grey by mean")
        steps += [step for step in (made, "grey repeated" if own[0] > 1 else "") if step]
    if tuple(shape[1:]) != tuple(own[1:]):
        steps.append(f"antialiased bilinear to {own[1]}x{own[2]}")
    return ", ".join(steps) or "none"
