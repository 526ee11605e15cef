"""Attribute directions and principal components."""

import pytest
import torch

from aezoo.functional.directions import mean_difference, principal_components


def test_the_difference_of_means_by_hand():
    z = torch.tensor([[1.0, 0.0], [3.0, 2.0], [0.0, 8.0], [0.0, 4.0], [50.0, 50.0]])
    positive = torch.tensor([True, True, False, False, False])
    negative = torch.tensor([False, False, True, True, False])
    assert mean_difference(z, positive, negative).tolist() == [2.0, -5.0]


def test_the_difference_to_an_empty_group_is_refused():
    some = torch.tensor([True, True])
    with pytest.raises(ValueError, match="2 and 0 rows"):
        mean_difference(torch.zeros(2, 3), some, ~some)


def rows(*spreads: float, count: int = 400) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(count, len(spreads), generator=draw) * torch.tensor(spreads) + 7


def test_components_come_in_the_order_of_their_variance():
    found = principal_components(rows(1.0, 5.0, 0.1, 3.0), k=4)
    assert found.explained.tolist() == sorted(found.explained.tolist(), reverse=True)
    assert float(found.explained.sum()) == pytest.approx(1)
    assert found.axes.abs().argmax(dim=0).tolist() == [1, 3, 0, 2]


def test_explained_shares_are_the_variances_of_the_coordinates():
    x = rows(1.0, 5.0, 2.0)
    found = principal_components(x)
    shares = found.coordinates(x).var(dim=0) / x.double().var(dim=0).sum()
    assert torch.allclose(shares, found.explained)


def test_axes_are_orthonormal_and_their_largest_entries_positive():
    axes = principal_components(rows(1.0, 5.0, 2.0)).axes
    assert torch.allclose(axes.T @ axes, torch.eye(2, dtype=torch.float64))
    assert (axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)) > 0).all()


@pytest.mark.parametrize("x", [torch.zeros(3, 4), rows(2.0), torch.ones(1, 3)])
def test_where_there_is_no_variance_nothing_is_explained(x):
    found = principal_components(x)
    assert torch.isfinite(found.coordinates(x)).all() and float(found.explained[1]) == 0
