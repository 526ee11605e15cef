"""metrics.jsonl as TensorBoard shows it. The file stays the source of truth: the board is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from aezoo.errors import MissingError
from aezoo.files import writing
from aezoo.rundir.rundir import RunDir

FOLDER = "tensorboard"


def check_installed() -> None:
    """Raises MissingError where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise MissingError(
            "train.tensorboard needs TensorBoard, which is not installed",
            where="train.tensorboard, --tensorboard",
            fix="pip install 'aezoo[tensorboard]', or leave the option out",
        )


class Board:
    """Event files of one run, in its directory.

    It begins with all lines that metrics.jsonl has: a resumed run goes on, and shows nothing twice that it
    went through twice.
    """

    def __init__(self, run: RunDir) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder = run.path / FOLDER
        with writing(folder):
            for file in folder.glob("events.out.tfevents.*"):
                file.unlink()
            self._writer: Any = SummaryWriter(str(folder))
            for line in run.read_metrics():
                self._add(line)

    def write(self, line: Mapping[str, Any]) -> None:
        """A line of metrics.jsonl: each number under its own name, of a later stage under `STAGE/`."""
        self._add(line)
        self._writer.flush()  # somebody watches

    def close(self) -> None:
        self._writer.close()

    def _add(self, line: Mapping[str, Any]) -> None:
        prefix = f"{line['stage']}/" if "stage" in line else ""
        for key, value in line.items():
            if key not in ("step", "stage"):
                self._writer.add_scalar(f"{prefix}{key}", value, line["step"])
