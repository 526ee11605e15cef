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

    claim:   the rule in a line
    fix:     the usual remedy
    check:   raises Fault where a part breaks it, NotApplicable where it says nothing of this part
    method:  of the part, that the rule is about; empty: the one that its kind is known for
    ends:    whether a part that breaks it is tried no further: the other rules would fail for the same reason
    """

    name: str
    kinds: tuple[str, ...]
    claim: str
    fix: str
    check: Callable[[Specimen], None]
    method: str = ""
    ends: bool = False


def rule(
    name: str, *kinds: str, fix: str, method: str = "", ends: bool = False
) -> Callable[[Callable[[Specimen], None]], Rule]:
    """Make a function a rule of some kinds, or of all trainable parts; its docstring is the claim."""

    def make(check: Callable[[Specimen], None]) -> Rule:
        claim = (check.__doc__ or "").partition("\n")[0]
        return Rule(name, kinds or PARTS, claim, fix, check, method, ends)

    return make
