import pytest

from aezoo import errors
from aezoo.errors import AezooError, InterruptedRun, nearest


@pytest.mark.parametrize(
    ("name", "code"),
    [("AezooError", 1), ("ConfigError", 2), ("MissingError", 3), ("DivergedError", 4), ("RunFileError", 1)],
)
def test_each_fault_has_its_exit_code(name, code):
    assert getattr(errors, name)("what").exit_code == code


def test_an_interrupted_run_leaves_with_the_code_of_its_signal():
    assert InterruptedRun("stopped", exit_code=143).exit_code == 143


def test_an_error_says_what_where_and_how_to_mend_it_on_a_line_each():
    error = AezooError("it broke", where="train.steps", fix="make it positive")
    assert str(error).splitlines() == ["it broke", "  where: train.steps", "  fix:   make it positive"]


def test_an_error_without_place_or_remedy_is_one_line():
    assert str(AezooError("it broke")) == "it broke"


def test_the_nearest_name_is_the_misspelt_one():
    assert nearest("vamprior", ["normal", "vampprior"]) == "vampprior"


def test_a_name_far_from_all_has_no_nearest():
    assert nearest("zzz", ["normal", "vampprior"]) is None


def test_a_name_in_other_letters_is_near():
    assert nearest("VAE", ["vae", "flexae"]) == "vae"
