"""Optimizers as torch makes them, from settings."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from aezoo.config.optimizer import OptimizerConfig
from aezoo.config.ramps import value_at


def make_optimizer(config: OptimizerConfig, weights: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of one phase. Adam runs fused: one kernel for all weights."""
    lr = value_at(config.lr, 0)
    match config.name:
        case "adam" | "adamw":
            kind = torch.optim.Adam if config.name == "adam" else torch.optim.AdamW
            return kind(weights, lr, config.betas, config.eps, config.weight_decay, fused=_can_fuse(weights))
        case "rmsprop":
            return torch.optim.RMSprop(
                weights, lr, config.alpha, config.eps, config.weight_decay, config.momentum
            )
        case "sgd":
            return torch.optim.SGD(weights, lr, config.momentum, weight_decay=config.weight_decay)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


def _can_fuse(weights: Sequence[nn.Parameter]) -> bool:
    return all(
        weight.device.type in ("cpu", "cuda", "mps") and weight.is_floating_point() for weight in weights
    )
