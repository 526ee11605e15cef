"""Parts of arrays: the same rows each time, none twice."""

import pytest
import torch

from aezoo.data.arrays import checked_rows, class_names, part, split_rows, with_validation
from aezoo.errors import ConfigError
from aezoo.parts.types import Split


@pytest.mark.parametrize(
    ("rows", "share", "test"), [(10, 0.1, 1), (2, 0.1, 1), (1000, 0.25, 250), (3, 0.5, 2)]
)
def test_every_row_is_in_one_part(rows, share, test):
    train, held = split_rows(rows, share)
    assert len(held) == test and torch.equal(torch.cat([train, held]).sort().values, torch.arange(rows))
    assert torch.equal(train, train.sort().values)
    again = split_rows(rows, share)
    assert torch.equal(train, again[0]) and torch.equal(held, again[1])


@pytest.mark.parametrize(("rows", "share"), [(1, 0.1), (0, 0.1), (10, 0.99)])
def test_a_part_without_rows_is_refused_with_both_numbers(rows, share):
    with pytest.raises(ConfigError, match=f"{rows} rows .* {share}"):
        split_rows(rows, share)


def test_validation_takes_labels_and_attributes_along():
    whole = Split(torch.arange(6), torch.arange(6) * 10, torch.eye(6, dtype=torch.uint8))
    train, held = with_validation(whole, 2)
    assert train.values.tolist() == [0, 1, 2, 3] and held.labels.tolist() == [40, 50]
    assert torch.equal(held.attributes, part(whole, torch.tensor([4, 5])).attributes)


def test_bits_become_black_and_white():
    rows, scale = checked_rows(torch.tensor([[True, False]] * 3), "x")
    assert (rows * scale).tolist() == [[1.0, 0.0]] * 3


def test_a_row_far_down_is_still_found():
    values = torch.zeros(9000, 2)
    values[8500, 1] = -3
    with pytest.raises(ConfigError, match=r"row 8500 of x holds -3"):
        checked_rows(values, "x")
    assert checked_rows(values, "x", bounded=False)[1] == 1.0


def test_classes_are_counted_up_to_the_largest():
    assert class_names(torch.tensor([0, 2]), None) == ("0", "1", "2") and class_names(None) == ()
