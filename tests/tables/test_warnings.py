"""What a table of runs says of their warnings."""

from dataclasses import replace

from aezoo.tables.warnings import summarise
from tests.tables.cases import outcome


def told(method, seed, *warnings):
    made = outcome(method, seed, {})
    return replace(made, results={**made.results, "warnings": list(warnings)})


def test_a_kind_is_told_once_with_its_runs_and_the_first_ones_numbers():
    runs = [told("vae", seed, f"too few rows: {12 + seed} test rows") for seed in (0, 1)]
    runs += [told("wae", 0, "dead codes: 3 of 4"), told("ae", 0)]
    first, second = summarise(runs)
    assert first == "vae on digits: too few rows: 12 test rows (the first of 2 runs)"
    assert second == "wae on digits: dead codes: 3 of 4"
