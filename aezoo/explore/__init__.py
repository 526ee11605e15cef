"""What a trained model has learnt, looked at: paths between images, directions, neighbours, codes.

Each verb takes a model and its data and gives tensors; `aezoo.explore.drawing` makes figures of them.

    model, data = explore.open_run("runs/flexae-sr-digits-s0")
    found = explore.interpolate(model, data, n=4)
    found.x_hat  # [4, 11, *shape]
"""

from aezoo.explore.cloud import Cloud, latent
from aezoo.explore.codes import open_run
from aezoo.explore.embedding import embed
from aezoo.explore.interpolation import Interpolation, interpolate
from aezoo.explore.lineup import Lineup, lineup
from aezoo.explore.nearest import Neighbours, neighbours
from aezoo.explore.traversal import Traversal, traverse

__all__ = [
    "Cloud",
    "Interpolation",
    "Lineup",
    "Neighbours",
    "Traversal",
    "embed",
    "interpolate",
    "latent",
    "lineup",
    "neighbours",
    "open_run",
    "traverse",
]
