"""Backbones and encoders: what they say of their own output."""

from __future__ import annotations

from typing import Any

import torch

from aezoo.testing.global_state import reseed
from aezoo.testing.rule import Fault, rule
from aezoo.testing.specimen import ROWS, Specimen, generator, rows
from aezoo.testing.tensors import check_shape


@rule("features", "backbone", fix="set `features` on the module to the width of what it gives", ends=True)
def features(specimen: Specimen) -> None:
    """The encoder's body gives as many features as it says."""
    with reseed():  # its weights are drawn without the trainer's seed
        body, shape = specimen.body()
    said: Any = body.features
    check_shape("the body's output", body(rows(ROWS, shape)), (ROWS, said))


@rule("noise", "encoder", fix="add noise only where there is a generator; without one z is the mean")
def noise(specimen: Specimen) -> None:
    """Without a generator an encoder adds no noise, and every row keeps its place."""
    found, shape = specimen.assemble()
    encoder, x = found.model.encoder.eval(), rows(ROWS, shape)
    one, other = encoder(x), encoder(x)
    if not torch.equal(one.z, other.z):
        raise Fault("two passes without a generator differ")
    if one.mean is not None and not torch.equal(one.z, one.mean):
        raise Fault("without a generator z is not the mean")
    order = torch.randperm(ROWS, generator=generator())
    if not torch.allclose(encoder(x[order]).z, one.z[order], rtol=1e-4, atol=1e-5):
        raise Fault("in evaluation mode a row's code depends on the other rows", "mix no rows of a batch")
