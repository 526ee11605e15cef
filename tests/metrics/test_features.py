import numpy as np
import pytest
import torch

from aezoo.errors import ConfigError
from aezoo.metrics import fidelity, frechet_distance, kernel_distance, prd, sliced_wasserstein, wasserstein
from aezoo.metrics.features import features, pair, random_state


def kid_of_ten(a, b):
    return kernel_distance(a, b, subsets=1, subset_size=10)[0]


def engine_kid(a, b):
    return fidelity.kid(a, b, subsets=1, subset_size=10)[0]


MEASURES = {
    "frechet": frechet_distance,
    "kernel": kid_of_ten,
    "prd": lambda a, b: prd(a, b, runs=1).f8,
    "sliced": sliced_wasserstein,
    "wasserstein": wasserstein,
    "fid": fidelity.fid,
    "kid": engine_kid,
    "precision_recall": lambda a, b: fidelity.precision_recall(a, b)[0],
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


def good():
    return np.random.default_rng(0).standard_normal((20, 3))


@every_measure
def test_arrays_tensors_and_lists_of_any_float_give_one_value(measure):
    a, b = good().astype("float32"), good()[::-1].astype("float32") + 1
    value = measure(a, b)
    assert isinstance(value, float)
    for same in (torch.from_numpy(a), a.astype("float64"), a.tolist(), torch.from_numpy(a).requires_grad_()):
        assert measure(same, b) == pytest.approx(value, abs=1e-12)


@every_measure
def test_images_are_flattened_and_integers_are_numbers(measure):
    a = np.random.default_rng(0).integers(0, 256, (20, 1, 2, 2), dtype=np.uint8)
    b = np.random.default_rng(1).integers(0, 256, (20, 1, 2, 2), dtype=np.uint8)
    assert measure(a, b) == measure(a.reshape(20, 4).astype("float64"), b.reshape(20, 4).astype("float64"))


@every_measure
def test_inputs_are_left_as_they_are(measure):
    a, b = torch.from_numpy(good()), torch.from_numpy(good() + 1)
    before = a.clone(), b.clone()
    measure(a, b)
    assert torch.equal(a, before[0]) and torch.equal(b, before[1])


@every_measure
def test_no_measure_touches_the_global_generators(measure):
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(3)
    np.random.seed(3)
    measure(good(), good() + 1)
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])


@every_measure
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_named_with_its_place(measure, wrong):
    b = good()
    b[7, 2] = wrong
    with pytest.raises(ConfigError, match=rf"row 7 of b holds {wrong} in column 2") as caught:
        measure(good(), b)
    assert caught.value.where == "b" and caught.value.fix


@every_measure
def test_sets_of_different_width_are_refused(measure):
    with pytest.raises(ConfigError, match="a has 3 columns and b has 2"):
        measure(good(), good()[:, :2])


@every_measure
def test_an_empty_set_is_refused(measure):
    with pytest.raises(ConfigError, match="a has 0 rows"):
        measure(good()[:0], good())


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "wasserstein"])
def test_one_row_is_refused(name):
    with pytest.raises(ConfigError, match=r"b has 1 rows, and this measure needs [24]"):
        MEASURES[name](good(), good()[:1])


@every_measure
def test_rows_without_columns_and_single_numbers_are_refused(measure):
    for wrong in (np.zeros((5, 0)), np.zeros(5), np.zeros((5, 2), dtype=complex)):
        with pytest.raises(ConfigError, match="a has the shape"):
            measure(wrong, good())


@every_measure
def test_things_that_are_no_arrays_of_numbers_are_refused(measure):
    for wrong in ("features.npz", [[1.0], [1.0, 2.0]], np.array([["a"], ["b"]]), None):
        with pytest.raises(ConfigError, match="a cannot be read as numbers"):
            measure(wrong, good())


@every_measure
@pytest.mark.parametrize("size", [1e200, 1e306])
def test_a_value_beyond_float64_is_an_error_and_never_infinite(measure, size):
    with pytest.raises(ConfigError, match="too large to be squared"):
        measure(good() * size, good() * -size)


@pytest.mark.parametrize("measure", [kid_of_ten, engine_kid])
def test_a_value_that_cannot_be_cubed_is_an_error_too(measure):
    with pytest.raises(ConfigError, match="too large"):
        measure(good() * 1e120, good() * -1e120)


def test_arrays_that_may_not_be_written_are_read():
    fixed = good()
    fixed.flags.writeable = False
    assert torch.equal(features(fixed, "a"), torch.from_numpy(good()))


def test_the_door_keeps_floats_as_they_came():
    half, double = pair(torch.zeros(2, 3).half(), torch.zeros(2, 3).double())
    assert half.dtype == torch.float16 and double.dtype == torch.float64


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, True, "0"])
def test_a_seed_that_numpy_cannot_take_is_refused(seed):
    with pytest.raises(ConfigError, match="seed is"):
        random_state(seed)
