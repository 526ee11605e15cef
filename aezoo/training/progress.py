"""A bar for people who wait; silence for everyone else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, final

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """What training tells while it runs."""

    def start(self, stage: str, steps: int, completed: int) -> None:
        """A stage begins, or goes on."""

    def advance(self, completed: int) -> None:
        """So many iterations are done."""

    def show(self, numbers: Mapping[str, float]) -> None:
        """Values of the terms, now and then."""

    def finish(self) -> None:
        """The stage is over."""


@final
class Silence:
    """No output."""

    def start(self, stage: str, steps: int, completed: int) -> None:
        """Nothing."""

    def advance(self, completed: int) -> None:
        """Nothing."""

    def show(self, numbers: Mapping[str, float]) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


@final
class Bar:
    """A progress bar on stderr: stage, steps, speed, time left, and the first terms' values."""

    def __init__(self) -> None:
        self._rich: RichProgress | None = None
        self._task: Any = None

    def start(self, stage: str, steps: int, completed: int) -> None:
        """Open the bar."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[terms]}"),
        )
        self._rich = Progress(*columns, console=Console(stderr=True), refresh_per_second=4)
        self._task = self._rich.add_task(stage, total=steps, completed=completed, terms="")
        self._rich.start()

    def advance(self, completed: int) -> None:
        """Move the bar."""
        assert self._rich is not None
        self._rich.update(self._task, completed=completed)

    def show(self, numbers: Mapping[str, float]) -> None:
        """The first three values."""
        assert self._rich is not None
        words = [f"{name.rpartition('/')[2]} {value:.4g}" for name, value in list(numbers.items())[:3]]
        self._rich.update(self._task, terms="  ".join(words))

    def finish(self) -> None:
        """Close the bar."""
        if self._rich is not None:
            self._rich.stop()
            self._rich = None
