"""Divergences and other regularizers."""

from aezoo import ComponentInfo, hookimpl, rows


@hookimpl
def aezoo_components() -> list[ComponentInfo]:
    return rows("aezoo_regularizers")
