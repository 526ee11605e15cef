"""Datasets that break a rule."""

import torch

from aezoo.api import Data, Split
from aezoo.testing import datasets
from tests.rules import COUNT, each_breaks


class Loud:
    """A dataset outside its range."""

    def load(self):
        split = Split(torch.full((4, 3), 2.0))
        return Data("loud", (3,), (0.0, 1.0), split, split)


class Restless:
    """A dataset that is another one at each load."""

    def load(self):
        split = Split(torch.full((4, 3), next(COUNT) % 7 / 7))
        return Data("restless", (3,), (0.0, 1.0), split, split)


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    datasets,
    ("rows", "dataset", Loud),
    ("rows", "dataset", Restless),
)
