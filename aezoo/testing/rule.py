"""What a rule is. Each module beside this one holds those of a kind of part; `suite` runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aezoo.testing.specimen import Specimen

PARTS = ("backbone", "encoder", "decoder", "prior", "divergence", "regularizer", "reconstruction")
CONFIGURED = (*PARTS, "dataset", "extractor", "metric")  # kinds whose parts have settings


class Fault(Exception):
    """A rule is broken: what was seen, and where the rule's own remedy is too general, how to mend it."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


class NotApplicable(Exception):
    """A rule about something that this part does not do."""


@dataclass(frozen=True)
class Rule:
    """One thing that every part of some kinds does.

    claim:  the rule in a line
    fix:    the usual remedy
    check:  raises Fault where a part breaks it, NotApplicable where it says nothing of this part
    """

    name: str
    kinds: tuple[str, ...]
    claim: str
    fix: str
    check: Callable[[Specimen], None]


def rule(name: str, *kinds: str, fix: str) -> Callable[[Callable[[Specimen], None]], Rule]:
    """Make a function a rule of some kinds, or of all trainable parts; its docstring is the claim."""

    def make(check: Callable[[Specimen], None]) -> Rule:
        return Rule(name, kinds or PARTS, (check.__doc__ or "").partition("\n")[0], fix, check)

    return make
