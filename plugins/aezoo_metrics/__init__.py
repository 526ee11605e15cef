"""Measures of reconstructions, samples, codes and whole runs."""

from aezoo import ComponentInfo, hookimpl, rows


@hookimpl
def aezoo_components() -> list[ComponentInfo]:
    return rows("aezoo_metrics")
