"""Extractors: features that depend on an image and on nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from aezoo.parts.measures import Extractor
from aezoo.testing.global_state import reseed, without_global
from aezoo.testing.rule import Fault, NotApplicable, rule
from aezoo.testing.specimen import ROWS, Specimen, levels
from aezoo.testing.tensors import copy_state, difference


@rule("extraction", "extractor", fix="end in flatten(1), and keep divisions and logarithms away from 0")
def extraction(specimen: Specimen) -> None:
    """Features are floats [B, d], finite, and the images that they are of stay as they were."""
    for extractor, shape in specimen.extractors():
        x = levels(ROWS, shape)
        before = x.clone()
        found = _features_of(extractor, x)
        if found.dim() != 2 or len(found) != ROWS or not found.is_floating_point():
            raise Fault(f"features of {ROWS} rows {shape} are {found.dtype} of shape {tuple(found.shape)}")
        if not bool(found.isfinite().all()):
            raise Fault("features are not finite")
        if not torch.equal(x, before):
            raise Fault("what is given is changed in place", "compute with copies: x * 2, never x.mul_(2)")


@rule("batches", "extractor", fix="mix no rows of a batch: normalise with fixed numbers, not the batch's own")
def batches(specimen: Specimen) -> None:
    """An image has the same features in any batch, up to rounding."""
    for extractor, shape in specimen.extractors():
        x = levels(ROWS, shape)
        whole = _features_of(extractor, x)
        single = torch.cat([_features_of(extractor, row) for row in x.split(1)])
        turned = _features_of(extractor, x.flip(0)).flip(0)
        for other in (single, turned):
            gap, size = float((whole - other).abs().max()), float(whole.abs().max())
            if not gap <= 1e-5 * size:
                raise Fault(f"in another batch features of up to {size:g} differ by {gap:g}")


@rule(
    "constancy",
    "extractor",
    fix="draw random weights from a generator of your own with a fixed seed, freeze all weights "
    "(requires_grad_(False)), and keep layers that learn as they go in evaluation mode",
)
def constancy(specimen: Specimen) -> None:
    """Features are the same at each construction and use; nothing is drawn, changed or trained by it."""
    with reseed():  # a network may be drawn at random and then loaded: what counts is what comes out
        ones = specimen.extractors()
    with reseed(1):
        others = specimen.extractors()
    for (one, shape), (other, _) in zip(ones, others, strict=True):
        before, x = copy_state(one), levels(ROWS, shape)
        first = without_global(lambda: _features_of(one, x))  # noqa: B023  # called at once
        second = without_global(lambda: _features_of(other, x), 1)  # noqa: B023
        if not torch.equal(first, second) or not torch.equal(first, _features_of(one, x)):
            raise Fault("the same images have other features the second time")
        if changed := difference(before, one.state_dict()):
            raise Fault(f"using it changes its {changed}")
        if open_ := [name for name, weight in one.named_parameters() if weight.requires_grad]:
            raise Fault(f"its {open_[0]} asks for gradients, as if it were to be trained")


@rule("weights", "extractor", fix="set `weights` to the file's path, `sha256` to hashlib.sha256 of its bytes")
def weights(specimen: Specimen) -> None:
    """Where features come from a file of weights, `sha256` is that file's."""
    extractor, _ = specimen.extractors()[0]
    if not extractor.weights and not extractor.sha256:
        raise NotApplicable("it has no weights of its own")
    if not Path(extractor.weights).is_file():
        raise Fault(f"its weights are said to be in '{extractor.weights}', which is no file")
    found = hashlib.sha256(Path(extractor.weights).read_bytes()).hexdigest()
    if found != extractor.sha256:
        raise Fault(f"it gives the sha256 '{extractor.sha256}', and that of {extractor.weights} is {found}")


def _features_of(extractor: Extractor, x: Tensor) -> Tensor:
    with torch.no_grad():
        return extractor(x)
