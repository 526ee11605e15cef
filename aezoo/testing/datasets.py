"""Datasets: rows as declared."""

from __future__ import annotations

import torch

from aezoo.data.loading import load_dataset
from aezoo.testing.rule import Fault, rule
from aezoo.testing.specimen import Specimen
from aezoo.testing.tensors import check_shape


@rule("rows", "dataset", fix="give uint8 or float32 rows [N, *shape], and the range that x has")
def rows(specimen: Specimen) -> None:
    """Rows have the declared shape and range, and are the same at each load."""
    one, other = (load_dataset(specimen.name, **specimen.settings) for _ in range(2))
    for part, again in ((one.train, other.train), (one.test, other.test)):
        values, same = part.values[:256], again.values[:256]  # rows may be read from disk
        check_shape("the rows", values, (min(256, len(part)), *one.shape))
        if not torch.equal(values, same):
            raise Fault("loaded twice, the rows differ", "seed whatever is drawn, and sort what is listed")
        x = one.x(values)
        low, high = one.range or (-torch.inf, torch.inf)
        if len(x) == 0 or not bool(x.isfinite().all()) or float(x.min()) < low or float(x.max()) > high:
            raise Fault(f"x is empty, or not within its range {one.range}")
