"""Contract checks for authors of parts: what every part of a kind must do, as tests.

    from aezoo.testing import parametrize_with_checks

    @parametrize_with_checks(("prior", "mine"), ("regularizer", "mine-l2", {"weight": 2.0}))
    def test_contract(check):
        check()

`aezoo plugin check PACKAGE` runs the same on everything that a plugin brings.
"""

from aezoo.testing.suite import BrokenRule, Finding, check_component, examine, parametrize_with_checks, rules

__all__ = [
    "BrokenRule",
    "Finding",
    "check_component",
    "examine",
    "parametrize_with_checks",
    "rules",
]
