"""Results as text."""

import doctest

from aezoo.evaluation import digits, names
from aezoo.evaluation.protocol import Protocol
from aezoo.evaluation.table import WIDTH, text_table


def row(metric, of, value, extractor="", better="lower", why=""):
    plain = Protocol(dataset="digits", n_real=360, n_fake=350, extractor=extractor, weights_sha256="")
    return {"metric": metric, "of": of, "value": value, "better": better, "why": why, **plain.as_row()}


def test_the_table_is_this():
    rows = [
        row("sse", "reconstruction", 1.0391),
        row("sse", "mean", 12.75),
        row("psnr", "reconstruction", 18.5, better="higher"),
        row("psnr", "mean", 7.25, better="higher"),
        row("fd[pixels]", "floor", 0.0123, "pixels"),
        row("fd[pixels]", "generation", 123456.0, "pixels"),
        row("kd[pixels]", "floor", -0.0004, "pixels"),
        row("kd[pixels]", "generation", None, "pixels", why="too few rows"),
        row("active_units", "codes", 8, better=None),
    ]
    assert text_table(rows).splitlines() == [
        "digits, test split: 360 real rows, 350 of each set; checkpoint last; seed 0",
        "",
        "x and x_hat        sse ↓  psnr ↑",
        "  reconstruction   1.039   18.50",
        "  mean image      12.750    7.25",
        "",
        "pixels                      fd ↓       kd ↓",
        "  train against test        0.01  -4.00e-04",
        "  generation          123,456.00          -",
        "",
        "the model  active_units",
        "  codes               8",
        "",
        "- no kd[pixels] of generation: too few rows",
    ]


def test_numbers_of_an_untrained_network_say_what_they_are_worth():
    text = text_table([row("fd[random-conv]", "generation", 7.4, "random-conv")])
    assert "- random-conv: features of an untrained network, which may rank models otherwise" in text
    assert "untrained" not in text_table([row("fd[pixels]", "generation", 7.4, "pixels")])


def test_measures_that_find_no_room_go_into_a_further_block_of_the_same_rows():
    rows = [row(f"a_rather_long_measure_{number}", "generation", 0.5) for number in range(9)]
    lines = text_table(rows).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert sum("a_rather_long_measure" in line for line in lines) > 1
    assert all(f"a_rather_long_measure_{number}" in " ".join(lines) for number in range(9))


def test_a_floor_is_not_rounded_to_one_and_shares_the_format_of_its_column():
    values = {"floor": 0.726, "reconstruction": 1234.5, "generation": 5678.25}
    text = text_table([row("fd[pixels]", of, value, "pixels") for of, value in values.items()])
    assert [line.split()[-1] for line in text.splitlines()[3:6]] == ["0.73", "1,234.50", "5,678.25"]


def test_a_reconstruction_is_not_told_to_have_a_floor():
    rows = [row("fd[pixels]", of, 1.0, "pixels") for of in ("floor", "reconstruction", "generation")]
    assert "reconstructions, of the test rows, may pass it" in text_table(rows)
    assert "may pass it" not in text_table([rows[0], rows[2]])


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(digits).failed == doctest.testmod(names).failed == 0


def test_no_results_are_told_as_such():
    assert text_table([]) == "nothing was measured"
