"""Places of points, ticks, thinning: numbers worked by hand."""

import math

import pytest

from aezoo.report.curves import BOTTOM, HEIGHT, LEFT, MOST, RIGHT, TOP, WIDTH, phases, thin
from aezoo.report.scale import Scale, fit, short
from tests.report.runs import LINES


def test_a_line_goes_through_the_logged_values():
    (phase,) = phases({"run": LINES})
    assert phase.name == "autoencoder" and [chart.term for chart in phase.charts] == ["mse", "kl"]
    chart = phase.charts[0]
    low, high, right = HEIGHT - BOTTOM, TOP, WIDTH - RIGHT
    x = [LEFT + (right - LEFT) * step / 20 for step in (1, 10, 20)]
    y = [low + (high - low) * (value - 2) / 6 for value in (8, 4, 2)]
    expected = " ".join(f"{round(a, 1)},{round(b, 1)}" for a, b in zip(x, y, strict=True))
    assert chart.lines[0].points == expected
    assert chart.summary == "run: from 8 at step 1 to 2 at step 20"
    assert [text for _, text in chart.y] == ["2", "4", "6", "8"]


def test_runs_share_a_chart_of_a_term_and_keep_their_own_number():
    other = [{"step": 5, "autoencoder/mse": 1.0}]
    chart = phases({"a": [{"step": 1, "critic/gap": 1.0}], "b": LINES, "c": other})[1].charts[0]
    assert [(line.label, line.number) for line in chart.lines] == [("b", 1), ("c", 2)]


def test_a_later_stage_has_charts_of_its_own():
    lines = [{"step": 1, "autoencoder/mse": 1.0}, {"step": 1, "stage": "fit", "autoencoder/mse": 2.0}]
    assert [phase.name for phase in phases({"run": lines})] == ["autoencoder", "fit: autoencoder"]


def test_values_that_are_no_finite_number_are_left_out():
    lines = [
        {"step": step, "a/b": value, "word": 1.0}
        for step, value in enumerate((1.0, math.nan, math.inf, None))
    ]
    assert phases({"run": lines})[0].charts[0].summary == "run: 1 at step 0"
    assert phases({"run": lines[1:]}) == []


def test_a_long_log_is_thinned_and_keeps_its_spike_and_its_ends():
    curve = [(float(step), float(step == 7777)) for step in range(10_000)]
    kept = thin(curve)
    assert len(kept) <= MOST
    assert kept[0] == curve[0] and kept[-1] == curve[-1] and (7777.0, 1.0) in kept
    assert kept == sorted(kept)


def test_a_curve_that_spans_decades_stands_on_a_logarithmic_axis():
    scale = fit([0.1, 1.0, 100.0], 0, 300)
    assert scale.log and [scale(value) for value in (0.1, 1.0, 10.0, 100.0)] == [0, 100, 200, 300]
    assert [text for _, text in scale.ticks()] == ["0.1", "1", "10", "100"]
    assert not fit([-1.0, 1000.0], 0, 300).log


@pytest.mark.parametrize("value", [0.0, 3.5, -2.0, 1e-9])
def test_a_constant_is_drawn_in_the_middle(value):
    assert fit([value, value], 0, 100)(value) == 50


def test_ticks_are_round_and_inside():
    assert Scale(0.13, 0.87, 0, 100).ticks() == [(9.5, "0.2"), (36.5, "0.4"), (63.5, "0.6"), (90.5, "0.8")]
    assert short(-1234.4) == "−1,234"
