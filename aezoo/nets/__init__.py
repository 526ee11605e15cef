"""Reusable bodies of encoders, decoders and critics."""

from aezoo.nets.initialise import glorot_normal_, glorot_uniform_
from aezoo.nets.mlp import mlp
from aezoo.nets.same import SameConv2d, SameConvTranspose2d, same_padding

__all__ = [
    "SameConv2d",
    "SameConvTranspose2d",
    "glorot_normal_",
    "glorot_uniform_",
    "mlp",
    "same_padding",
]
