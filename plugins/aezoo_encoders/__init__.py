"""Encoders and decoders: heads on a backbone."""

from aezoo import ComponentInfo, hookimpl, rows


@hookimpl
def aezoo_components() -> list[ComponentInfo]:
    return rows("aezoo_encoders")
