"""Regularizers, divergences, reconstructions: the terms of a loss."""

from __future__ import annotations

from typing import Any

from aezoo.testing.rule import Fault, rule
from aezoo.testing.specimen import Specimen, terms_of
from aezoo.testing.tensors import copy_state, difference


@rule(
    "terms",
    *("regularizer", "divergence", "reconstruction"),
    fix="give one scalar per term, a mean over the batch; change buffers in `after` only",
    ends=True,
)
def terms(specimen: Specimen) -> None:
    """Terms are finite scalars, and asking for them changes no state."""
    found, shape = specimen.assemble()
    model = found.model
    part: Any = model.reconstruction
    if specimen.kind != "reconstruction":
        label = model.divergence if specimen.kind == "divergence" else specimen.label
        part = model.regularizer[str(label)]
    before = copy_state(part)
    terms = terms_of(model, part, shape)
    for name, term in terms.items():
        if term.dim() != 0:
            raise Fault(f"the term '{name}' has shape {tuple(term.shape)}")
        if not bool(term.isfinite()):
            raise Fault(f"the term '{name}' is {float(term)}")
    if changed := difference(before, part.state_dict()):
        raise Fault(f"asking for the terms changes the buffer {changed}")
