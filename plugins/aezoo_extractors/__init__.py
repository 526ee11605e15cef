"""Extractors: the spaces in which sets of images or vectors are compared."""

from aezoo import ComponentInfo, hookimpl, rows


@hookimpl
def aezoo_components() -> list[ComponentInfo]:
    return rows("aezoo_extractors")
