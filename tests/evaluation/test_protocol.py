"""What a number depends on, and when two of them compare."""

from dataclasses import fields, replace

import pytest

from aezoo.evaluation.protocol import Protocol

PLAIN = Protocol(dataset="digits", n_real=10, n_fake=10)
CHANGED = {
    "packages": {"metric/mm.py:mm": "mm.py sha256:8d969eef6ecad3c2"},
    "dataset": "other",
    "n_real": 9,
    "n_fake": 9,
    "split": "validation",
    "extractor": "one",
    "layer": "last",
    "resize": "to 32",
    "weights_sha256": "ab",
    "rounding": "8 bits",
    "stretched": True,
    "checkpoint": "best-validation",
    "weights": "averaged",
    "seed": 1,
    "engine": "other",
    "settings": {"k": 3},
}


@pytest.mark.parametrize("name", [one.name for one in fields(Protocol) if one.compare])
def test_every_field_makes_a_difference(name):
    other = replace(PLAIN, **{name: CHANGED[name]})
    assert other != PLAIN == replace(PLAIN) and other.as_row() == {**PLAIN.as_row(), name: CHANGED[name]}


def test_versions_are_told_and_make_no_difference():
    other = replace(PLAIN, versions={"torch": "3.0"})
    assert other == PLAIN and other.as_row()["versions"] == {"torch": "3.0"}
