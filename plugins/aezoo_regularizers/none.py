"""No divergence: the codes go where the reconstruction puts them."""

from __future__ import annotations

from typing import final

from aezoo.api import Regularizer


@final
class NoDivergence(Regularizer):
    """Adds no term and no phase: for priors that are fitted afterwards."""
