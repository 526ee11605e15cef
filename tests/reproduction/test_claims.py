"""Each verdict of each kind of claim is reached on made-up values."""

import pytest

from aezoo.reproduction import claims


def around(mean: float, seeds: int = 3, by: float = 0.01) -> dict[int, float]:
    """Values by seed that scatter a little around a mean."""
    return {seed: mean + by * (seed - (seeds - 1) / 2) for seed in range(seeds)}


def swinging(mean: float) -> dict[int, float]:
    """The same, with a scatter that goes the other way."""
    return {seed: 2 * mean - value for seed, value in around(mean, by=2.0).items()}


def decision(verdict: claims.Verdict) -> str:
    return verdict.decision


def test_below_is_decided_by_the_interval_of_paired_differences():
    assert decision(claims.below(around(1.0), around(2.0))) == "supported"
    assert decision(claims.below(around(2.0), around(1.0))) == "contradicted"
    assert decision(claims.below(around(1.0), swinging(1.1))) == "not decidable"


def test_pairing_sees_a_difference_that_scatter_would_hide():
    hidden = {seed: value + 0.1 for seed, value in around(1.0, by=5.0).items()}
    assert decision(claims.below(around(1.0, by=5.0), hidden)) == "supported"


@pytest.mark.parametrize("b", [{0: 5.0}, {7: 5.0, 8: 5.1}, {}])
def test_one_common_seed_decides_nothing_and_says_why(b):
    verdict = claims.below({0: 1.0, 1: 1.0}, b)
    assert verdict.decision == "not decidable" and "two common seeds" in verdict.why


def test_a_gap_is_generation_minus_reconstruction():
    near, far = (around(5.0), around(6.0)), (around(1.0), around(4.0))
    assert decision(claims.gap_below(near, far)) == "supported"
    assert decision(claims.gap_below(far, near)) == "contradicted"
    assert decision(claims.gap_below(near, (around(1.0), swinging(2.1)))) == "not decidable"
    assert decision(claims.gap_below(near, ({}, {}))) == "not decidable"


def test_rising_and_falling_look_at_the_ends():
    up = [around(1.0), around(2.0), around(3.0)]
    assert decision(claims.rises(up)) == decision(claims.falls(up[::-1])) == "supported"
    assert decision(claims.rises(up[::-1])) == decision(claims.falls(up)) == "contradicted"
    assert decision(claims.rises([around(1.0), swinging(1.1)])) == "not decidable"
    assert decision(claims.falls([{0: 1.0}, {0: 0.5}])) == "not decidable"


def test_a_step_that_surely_goes_back_is_no_steady_rise():
    verdict = claims.rises([around(1.0), around(5.0), around(3.0)])
    assert verdict.decision == "contradicted" and "one step goes down" in verdict.why
    verdict = claims.falls([around(5.0), around(1.0), around(3.0)])
    assert verdict.decision == "contradicted" and "one step goes up" in verdict.why


def test_flat_has_to_be_shown():
    assert decision(claims.flat([around(10.0), around(10.2)], 0.1)) == "supported"
    assert decision(claims.flat([around(10.0), around(15.0)], 0.1)) == "contradicted"
    assert decision(claims.flat([around(10.0), swinging(10.0)], 0.1)) == "not decidable"
    assert decision(claims.flat([around(10.0), {0: 10.0}], 0.1)) == "not decidable"


def test_where_a_fall_is_welcome_only_a_rise_counts_against_it():
    assert decision(claims.flat([around(10.0), around(5.0)], 0.1)) == "contradicted"
    assert decision(claims.flat([around(10.0), around(5.0)], 0.1, may_fall=True)) == "supported"
    assert decision(claims.flat([around(10.0), around(15.0)], 0.1, may_fall=True)) == "contradicted"


def test_a_u_needs_a_minimum_that_is_surely_inside():
    assert decision(claims.u_shaped([around(3.0), around(1.0), around(2.0)])) == "supported"
    assert decision(claims.u_shaped([around(1.0), around(2.0), around(3.0)])) == "contradicted"
    assert decision(claims.u_shaped([around(3.0), around(1.0), swinging(1.1)])) == "not decidable"
    assert decision(claims.u_shaped([around(3.0), around(1.0)])) == "not decidable"
    assert decision(claims.u_shaped([around(3.0), {}, around(3.0)])) == "not decidable"


def columns(train: float, test: float) -> dict[str, dict[int, float]]:
    """Scores of samples that lie so far from training and from test rows; rows lie 5 from each other."""
    return {"tr-tr": around(5.0), "tr-te": around(5.0), "gen-tr": around(train), "gen-te": around(test)}


def test_copies_of_training_rows_are_memory():
    assert decision(claims.memorises(columns(1.0, 5.0), 0.05)) == "supported"


def test_samples_as_far_from_training_rows_as_these_from_each_other_are_none():
    assert decision(claims.memorises(columns(4.95, 4.95), 0.05)) == "contradicted"
    assert decision(claims.opposite(claims.memorises(columns(4.95, 4.95), 0.05))) == "supported"


def test_blurred_samples_are_near_to_everything_which_decides_nothing():
    verdict = claims.memorises(columns(3.0, 3.0), 0.05)
    assert verdict.decision == "not decidable" and "smooth" in verdict.why
    assert claims.opposite(verdict) == verdict


def test_scores_of_one_seed_decide_nothing():
    assert decision(claims.memorises({key: {0: 1.0} for key in columns(1, 1)}, 0.05)) == "not decidable"
