"""Each verdict of each kind of claim is reached on made-up values."""

import numpy as np
import pytest

from aezoo.metrics.memorization import difference_interval
from aezoo.reproduction import claims


def around(mean: float, seeds: int = 3, by: float = 0.01) -> dict[int, float]:
    """Values by seed that scatter a little around a mean."""
    return {seed: mean + by * (seed - (seeds - 1) / 2) for seed in range(seeds)}


def swinging(mean: float) -> dict[int, float]:
    """The same, with a scatter that goes the other way."""
    return {seed: 2 * mean - value for seed, value in around(mean, by=2.0).items()}


def decision(finding: claims.Finding) -> str:
    """Of a claim that stands alone on its page."""
    return claims.decide([finding])[0].decision


def test_below_is_decided_by_the_interval_of_paired_differences():
    assert decision(claims.below(around(1.0), around(2.0))) == "supported"
    assert decision(claims.below(around(2.0), around(1.0))) == "contradicted"
    assert decision(claims.below(around(1.0), swinging(1.1))) == "not decidable"


def test_pairing_sees_a_difference_that_scatter_would_hide():
    hidden = {seed: value + 0.1 for seed, value in around(1.0, by=5.0).items()}
    assert decision(claims.below(around(1.0, by=5.0), hidden)) == "supported"


@pytest.mark.parametrize("b", [{0: 5.0}, {7: 5.0, 8: 5.1}, {}])
def test_one_common_seed_decides_nothing_and_says_why(b):
    finding = claims.below({0: 1.0, 1: 1.0}, b)
    assert decision(finding) == "not decidable" and "two common seeds" in finding.why


def test_a_gap_compares_generations_of_equal_reconstructions():
    near, far = (around(5.0), around(6.0)), (around(5.0), around(8.0))
    assert decision(claims.gap_below(near, far, 0.1)) == "supported"
    assert decision(claims.gap_below(far, near, 0.1)) == "contradicted"
    assert decision(claims.gap_below(near, (around(5.0), swinging(6.1)), 0.1)) == "not decidable"
    assert decision(claims.gap_below(near, ({}, {}), 0.1)) == "not decidable"


def test_a_gap_that_a_worse_reconstruction_made_small_decides_nothing():
    """7.01 and 6.26 against 1.36 and 3.45: generation is worse, and the gap of -0.75 the smaller one."""
    finding = claims.gap_below((around(7.01), around(6.26)), (around(1.36), around(3.45)), 0.1)
    assert decision(finding) == "not decidable" and "not shown to be of equal quality" in finding.why


def test_reconstructions_that_scatter_are_not_shown_to_be_equal():
    finding = claims.gap_below((swinging(5.0), around(6.0)), (around(5.0), around(8.0)), 0.1)
    assert decision(finding) == "not decidable" and "gaps cannot be compared" in finding.why


def test_rising_and_falling_look_at_the_ends():
    up = [around(1.0), around(2.0), around(3.0)]
    assert decision(claims.rises(up)) == decision(claims.falls(up[::-1])) == "supported"
    assert decision(claims.rises(up[::-1])) == decision(claims.falls(up)) == "contradicted"
    assert decision(claims.rises([around(1.0), swinging(1.1)])) == "not decidable"
    assert decision(claims.falls([{0: 1.0}, {0: 0.5}])) == "not decidable"


def test_a_step_that_surely_goes_back_is_no_steady_rise():
    finding = claims.rises([around(1.0), around(5.0), around(3.0)])
    assert decision(finding) == "contradicted" and "one step goes down" in finding.why
    finding = claims.falls([around(5.0), around(1.0), around(3.0)])
    assert decision(finding) == "contradicted" and "one step goes up" in finding.why


def test_flat_has_to_be_shown():
    assert decision(claims.flat([around(10.0), around(10.2)], 0.1)) == "supported"
    assert decision(claims.flat([around(10.0), around(15.0)], 0.1)) == "contradicted"
    assert decision(claims.flat([around(10.0), swinging(10.0)], 0.1)) == "not decidable"
    assert decision(claims.flat([around(10.0), {0: 10.0}], 0.1)) == "not decidable"


def test_a_change_relative_to_nothing_is_told_as_such():
    finding = claims.flat([around(0.0), around(1.0)], 0.1)
    assert not finding.tested and "positive numbers" in finding.why


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


def falls_and_stays(draw: int) -> list[dict[int, float]]:
    """Six seeds of a first setting that is surely worst, and of seven that differ by noise alone: no U."""
    values = np.random.default_rng(draw).normal(10.0, 1.0, (8, 6))
    values[0] += 20
    return [dict(enumerate(row)) for row in values.tolist()]


def lowest_is_below_both_ends(series: list[dict[int, float]]) -> bool:
    """Whether the lowest inside is surely below both ends, by the seeds that chose it."""
    lowest = min(series[1:-1], key=lambda values: sum(values.values()))
    return all(claims.below(lowest, end).supports <= 0.05 for end in (series[0], series[-1]))


def test_a_u_that_noise_made_is_not_confirmed():
    """The lowest of six that are alike, tested by the seeds that chose it, is a U far too often."""
    draws = [falls_and_stays(draw) for draw in range(400)]
    chosen = sum(lowest_is_below_both_ends(series) for series in draws)
    confirmed = sum(decision(claims.u_shaped(series)) == "supported" for series in draws)
    assert chosen > 0.05 * len(draws) and confirmed <= 0.025 * len(draws)


def test_a_planted_u_is_found_among_many_settings():
    series = [around(9.0), around(5.0), around(3.0), around(4.0), around(8.0)]
    finding = claims.u_shaped(series)
    assert decision(finding) == "supported" and "of 3 inside, all tested" in finding.why


def test_a_contrast_is_the_difference_of_two_rises():
    """a rises by a tenth, b doubles; the difference of relative rises is -0.9 in each seed."""
    a, b = [around(10.0), around(11.0)], [around(1.0, by=0.0), around(2.0)]
    finding = claims.rises_less(a, b)
    assert decision(finding) == "supported" and "difference of relative rises -0.9" in finding.why
    assert decision(claims.rises_less(b, a)) == "contradicted"


def test_a_rise_beside_one_that_is_not_shown_is_no_contrast():
    """b surely rises and a does not, and yet they rise alike: each by itself says what both do not."""
    a = [around(2.6), {0: 3.0, 1: 3.9, 2: 2.85}]
    b = [around(4.4), {0: 5.75, 1: 5.85, 2: 5.95}]
    assert decision(claims.rises(b)) == "supported" and decision(claims.rises(a)) == "not decidable"
    assert decision(claims.rises_less(a, b)) == "not decidable"


def test_a_contrast_takes_positive_numbers_and_common_seeds():
    up = [around(1.0), around(2.0)]
    assert not claims.rises_less([around(0.0), around(1.0)], up).tested
    assert not claims.rises_less([{0: 1.0}, {0: 2.0}], up).tested


def test_a_claim_alone_is_decided_where_its_interval_leaves_no_doubt():
    """Differences 1, 2, 3: t = 2 sqrt(3) at 2 degrees of freedom, two-sided p = 0.0742."""
    finding = claims.below({0: 0.0, 1: 0.0, 2: 0.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert finding.supports == pytest.approx(0.0742, abs=1e-4) and finding.contradicts == 1.0
    for seed in range(200):
        differences = dict(enumerate(np.random.default_rng(seed).normal(1.0, 1.0, 4)))
        found = claims.interval(differences, dict.fromkeys(differences, 0.0))
        claim = claims.below(dict.fromkeys(differences, 0.0), differences)
        assert (decision(claim) == "supported") == (found.low > 0)


def test_claims_of_a_page_are_corrected_together():
    """Two with p 0.01 and 0.04 pass by themselves; among five, 0.01 * 5 passes and 0.04 * 4 does not."""
    findings = [claims.Finding("a", 0.01), claims.Finding("b", 1.0, 0.04)]
    assert [one.decision for one in claims.decide(findings)] == ["supported", "contradicted"]
    others = [claims.Finding(name, 0.5) for name in "cde"]
    verdicts = claims.decide([*findings, *others])
    assert [one.decision for one in verdicts] == ["supported"] + 4 * ["not decidable"]
    assert [one.adjusted for one in verdicts[:2]] == pytest.approx([0.05, 0.16])


def test_what_could_not_be_tested_takes_no_share_of_the_level():
    verdicts = claims.decide([claims.Finding("a", 0.04), *[claims.Finding("b", tested=False)] * 9])
    assert verdicts[0].decision == "supported" and verdicts[0].adjusted == 0.04
    assert (verdicts[1].p, verdicts[1].adjusted) == (None, None)


def counted(share, held_out=0.0, *, rows=2000, in_reach=1.0, seeds=3):
    """Near copies among so many generated and test rows, with the interval that the metric gives."""
    low, high = difference_interval(round(share * rows), rows, round(held_out * rows), rows)
    values = [share, held_out, low, high, in_reach]
    return {key: dict.fromkeys(range(seeds), value) for key, value in zip(claims.COPIES, values, strict=True)}


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_copies_of_training_rows_are_memory(share):
    """Distances to the nearest of 2,000 of 60,000 rows shift by 3 %, which decided nothing."""
    assert decision(claims.memorises(counted(share), 0.01)) == "supported"
    assert decision(claims.opposite(claims.memorises(counted(share), 0.01))) == "contradicted"


def test_no_more_copies_than_among_test_rows_are_none():
    assert decision(claims.memorises(counted(0.0), 0.01)) == "contradicted"
    assert decision(claims.opposite(claims.memorises(counted(0.002, 0.002), 0.01))) == "supported"


def test_samples_far_from_all_data_are_no_evidence_against_memory():
    """Of whatever they were made from, they are no longer copies."""
    finding = claims.opposite(claims.memorises(counted(0.0, in_reach=0.1), 0.01))
    assert decision(finding) == "not decidable" and "far from the data" in finding.why


def test_a_dozen_rows_decide_nothing_of_memory():
    assert decision(claims.memorises(counted(0.0, rows=12), 0.01)) == "not decidable"


def test_copies_under_one_seed_decide_nothing():
    assert decision(claims.memorises(counted(1.0, seeds=1), 0.01)) == "not decidable"
