"""No divergence at all."""

from aezoo_regularizers.none import NoDivergence


def test_no_divergence_adds_nothing():
    part = NoDivergence()
    assert part.terms(None) == {} and part.phases(None) == () and not list(part.parameters())
