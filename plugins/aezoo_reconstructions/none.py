"""No reconstruction: images are never compared with their reconstructions, pixel by pixel or otherwise."""

from __future__ import annotations

from typing import final

from aezoo.api import Reconstruction


@final
class NoReconstruction(Reconstruction):
    """Gives no terms, so the model has no autoencoder phase; other phases must move every weight."""
