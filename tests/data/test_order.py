"""Which rows a minibatch holds, where its size changes while training."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aezoo.api import ConfigError, Ramp, Staircase
from aezoo.data.order import Order, Sizes
from tests import tiny

GROWING = Staircase(values=(4, 2, 3), at=(3, 5))


def test_minibatches_have_the_size_of_their_step():
    sizes = Sizes(GROWING, draws=2)
    assert [sizes.at(draw)[1] for draw in range(14)] == [4] * 6 + [2] * 4 + [3] * 4


def test_a_ramp_of_sizes_is_rounded_and_never_empty():
    sizes = Sizes(Ramp(start=0.0, end=4.0, steps=8))
    assert [sizes.of_step(step) for step in (0, 3, 4, 8, 99)] == [1, 2, 2, 4, 4]
    assert sizes.bounds() == (1, 4)


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 200))
def test_a_size_that_never_changes_begins_where_it_always_did(size, draws, draw):
    assert Sizes(size, draws).at(draw) == (draw * size, size)
    assert Sizes(Staircase(values=(size,), at=()), draws).at(draw) == (draw * size, size)


def test_every_row_comes_once_an_epoch_whatever_the_sizes():
    order = Order(20, Sizes(GROWING), seed=0)
    drawn = torch.cat([order.indices(draw) for draw in range(8)])  # 3 of 4, 2 of 2, 3 of 3: 25 rows
    assert len(drawn) == 25 and sorted(drawn[:20].tolist()) == list(range(20))


def test_a_minibatch_is_the_same_when_it_is_asked_for_out_of_order():
    one, other = (Order(20, Sizes(GROWING, draws=2), seed=0) for _ in range(2))
    late = one.indices(11)
    assert torch.equal(late, [other.indices(draw) for draw in range(12)][-1])


def test_a_run_trains_with_batches_that_change_and_goes_on_to_the_same_weights(tmp_path):
    options = {"batch_size": {"values": [8, 4], "at": [3]}, "log_every": 1}
    whole = tiny.trained(tmp_path / "whole", steps=6, **options)
    tiny.trained(tmp_path / "run", steps=4, **options)
    resumed = tiny.trained(tmp_path / "run", steps=6, resume=True, **options)
    file = "model.safetensors"
    assert (resumed.path / file).read_bytes() == (whole.path / file).read_bytes()
    seconds = whole.results["seconds"]
    assert whole.results["images_per_s"] == pytest.approx(36 / seconds, rel=0.05, abs=1)


def test_the_largest_batch_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="fewer than a minibatch of 100000"):
        tiny.trained(tmp_path / "run", batch_size={"values": [8, 100_000], "at": [3]})
