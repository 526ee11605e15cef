"""Regularizers, divergences and reconstructions that break a rule."""

import torch

from aezoo.api import Reconstruction, Regularizer
from aezoo.testing import costs
from tests.rules import each_breaks


class Vector(Regularizer):
    def terms(self, step):
        return {"vector": step.z.square().mean(1)}


class Infinite(Regularizer):
    def terms(self, step):
        return {"infinite": step.z.square().mean() / 0.0}


class Writing(Regularizer):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def terms(self, step):
        self.calls += 1
        return {"writing": step.z.square().mean()}


class Unscaled(Reconstruction):
    def terms(self, step):
        return {"unscaled": (step.x - step.x_hat).square()}


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    costs,
    ("terms", "regularizer", Vector),
    ("terms", "regularizer", Infinite),
    ("terms", "regularizer", Writing),
    ("terms", "divergence", Vector),
    ("terms", "reconstruction", Unscaled),
)
