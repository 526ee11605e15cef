import math

import pytest
from pydantic import TypeAdapter, ValidationError

from aezoo.config.check import check
from aezoo.config.optimizer import OptimizerConfig
from aezoo.config.ramps import Number, Ramp, Staircase, value_at
from aezoo.errors import ConfigError


def test_a_linear_ramp_goes_straight_from_start_to_end():
    ramp = Ramp(start=2.0, end=4.0, steps=4)
    assert [ramp(step) for step in (0, 1, 2, 4, 100)] == [2.0, 2.5, 3.0, 4.0, 4.0]


def test_a_cosine_ramp_is_half_way_in_the_middle_and_slow_at_its_ends():
    ramp = Ramp(start=1.0, end=0.0, steps=8, shape="cosine")
    assert ramp(4) == pytest.approx(0.5)
    assert ramp(1) == pytest.approx(0.5 * (1 + math.cos(math.pi / 8)))
    assert ramp(0) == 1.0 and ramp(8) == pytest.approx(0.0, abs=1e-15) and ramp(9) == ramp(8)


def test_a_warm_up_rises_from_zero_before_the_ramp_begins():
    ramp = Ramp(start=1.0, end=0.0, steps=10, warmup=4)
    assert [ramp(step) for step in (0, 1, 4, 9, 14)] == [0.0, 0.25, 1.0, 0.5, 0.0]


def test_a_number_is_itself_at_every_step():
    assert value_at(3.0, 0) == value_at(3.0, 10**6) == 3.0
    assert value_at(Ramp(start=0.0, end=1.0, steps=2), 1) == 0.5


def test_a_config_takes_a_number_or_a_table():
    number = TypeAdapter(Number)
    assert number.validate_python(2) == 2.0
    assert number.validate_python({"start": 0, "end": 1, "steps": 2}) == Ramp(start=0.0, end=1.0, steps=2)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": 2, "warmup": -1}, {"steps": 2, "shape": "square"}])
def test_impossible_ramps_are_refused(wrong):
    with pytest.raises(ValidationError):
        Ramp(start=0.0, end=1.0, **wrong)


# -- stairs


def test_a_staircase_keeps_each_value_until_the_next_step_begins():
    decay = Staircase(values=(1e-3, 5e-4, 1e-4), at=(30, 50))
    assert [decay(step) for step in (0, 29, 30, 49, 50, 10**6)] == [1e-3, 1e-3, 5e-4, 5e-4, 1e-4, 1e-4]
    assert value_at(decay, 30) == 5e-4
    assert TypeAdapter(Number).validate_python({"values": [2, 1], "at": [7]}) == Staircase(
        values=(2.0, 1.0), at=(7,)
    )


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"values": [1.0, 0.5], "at": []}, "2 values need 1 steps between them, not 0"),
        ({"values": [1.0, 0.5, 0.1], "at": [5, 5]}, "the steps [5, 5] do not rise"),
        ({"values": [1.0]}, "'optimizer.lr.at' is missing"),
        ({"values": [1.0, -0.5], "at": [5]}, "'optimizer.lr.values.1' cannot be -0.5"),
        ({"start": 1.0, "end": 0.0}, "'optimizer.lr.steps' is missing"),
        ({"start": 1.0, "end": 0.0, "steps": 5, "shap": "cosine"}, "unknown key 'optimizer.lr.shap'"),
    ],
)
def test_a_fault_is_told_of_the_form_that_was_meant_and_of_no_other(wrong, what):
    with pytest.raises(ConfigError) as err:
        check(OptimizerConfig, {"lr": wrong}, "optimizer")
    assert what in err.value.what and len(err.value.what.splitlines()) == 1
