"""The pull on codes."""

from types import SimpleNamespace

import pytest
import torch

from aezoo_regularizers.l2_code import L2Code
from tests.draws import seeded


def value(part, z):
    (term,) = part.terms(SimpleNamespace(z=z, number=0)).values()
    return term.item()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (L2Code(weight=1.0), 2.5),  # codes (1, 2) and (1, 2): mean of 1 and 4
        (L2Code(weight=0.1), 0.25),
        (L2Code(weight=1.0, reduction="half-sum"), 2.5),  # m = 2: the mean is half the sum
    ],
)
def test_the_pull_on_codes_is_its_reductions_value(part, expected):
    assert value(part, torch.tensor([[1.0, 2.0]] * 2)) == pytest.approx(expected)


def test_the_two_reductions_differ_by_half_the_dimension():
    codes = torch.randn(5, 8, generator=seeded())
    mean, half_sum = (value(L2Code(weight=1.0, reduction=r), codes) for r in ("mean", "half-sum"))
    assert half_sum == pytest.approx(4 * mean)
