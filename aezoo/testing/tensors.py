"""Tensors against what they should be, and modules as tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from aezoo.testing.rule import Fault


def check_shape(what: str, value: Tensor | None, expected: tuple[int, ...]) -> None:
    """Raises Fault for a tensor of another shape; None passes."""
    if value is not None and tuple(value.shape) != expected:
        raise Fault(f"{what} has shape {tuple(value.shape)} where {expected} is needed")


def difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str:
    """The first name whose tensors are not equal; empty when all are."""
    return next((name for name in one if not torch.equal(one[name], other[name])), "")


def copy_state(module: nn.Module) -> dict[str, Tensor]:
    """Weights and buffers as they are now."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def reload(module: nn.Module) -> dict[str, Tensor]:
    """Weights and buffers, by way of a safetensors file."""
    return load(save({name: value.contiguous() for name, value in copy_state(module).items()}))
