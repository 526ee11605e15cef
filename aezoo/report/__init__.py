"""Run directories to one page of HTML that opens from disk. It reads files; it loads no model and no data.

    from pathlib import Path
    from aezoo import report

    text = report.short_page(Path("runs/digits"))

Pictures that take a loaded model are made elsewhere (`aezoo.explore.gallery`) and handed over as `Looks`.
"""

from aezoo.report.page import Page, of_outcomes, of_runs, render, short_page
from aezoo.report.view import Looks, Picture, Points, RunView, read

__all__ = [
    "Looks",
    "Page",
    "Picture",
    "Points",
    "RunView",
    "of_outcomes",
    "of_runs",
    "read",
    "render",
    "short_page",
]
