"""Parts of arrays: the same rows each time, none twice."""

import numpy as np
import pytest
import torch

from aezoo.data.arrays import (
    as_tensor,
    checked_labels,
    checked_rows,
    class_names,
    counted_classes,
    part,
    split_rows,
    with_validation,
)
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


@pytest.mark.parametrize("dtype", ["u2", ">u2", "u4", ">i4", "u8", ">u8", "i1", "?"])
def test_classes_are_whole_numbers_of_any_width_and_byte_order(dtype):
    assert checked_labels(np.array([0, 1, 1], dtype), 3, "y").tolist() == [0, 1, 1]


@pytest.mark.parametrize("dtype", ["U1", "S1", "M8[D]", "m8[s]", "O", "f4", "c8"])
def test_texts_and_dates_are_no_classes(dtype):
    with pytest.raises(ConfigError, match="whole numbers"):
        checked_labels(np.array([0, 1, 1], "i8").astype(dtype), 3, "y")


def test_a_class_beyond_all_counting_is_refused():
    with pytest.raises(ConfigError, match="18446744073709551615"):
        checked_labels(np.array([0, 2**64 - 1], "u8"), 2, "y")


@pytest.mark.parametrize("dtype", [">f4", ">f8", "longdouble", ">u1"])
def test_numbers_of_any_byte_order_and_length_are_read(dtype):
    assert as_tensor(np.array([[0, 1]], dtype), "x").tolist() == [[0, 1]]


def test_what_is_no_array_is_refused_by_its_type():
    with pytest.raises(ConfigError, match="no kind of number"):
        as_tensor(b"bytes beside the arrays", "x")


def test_numbers_that_only_tell_classes_apart_are_counted_and_keep_their_names():
    labels, names = counted_classes([torch.tensor([10_000_000, 7]), None, torch.tensor([7])])
    assert [None if one is None else one.tolist() for one in labels] == [[1, 0], None, [0]]
    assert names == ("7", "10000000")


def test_classes_below_the_number_of_rows_stay_what_they_are():
    labels, names = counted_classes([torch.tensor([0, 2, 2])])
    assert labels[0].tolist() == [0, 2, 2] and names == ("0", "1", "2")
