"""A folder with a finished run whose files are damaged one after the other, and what uses say of that."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from aezoo.cli.main import _out_of_memory
from aezoo.errors import AezooError
from aezoo.rundir.load import load
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir, _warn_once
from tests.tiny import trained


class Silent(Exception):
    """A damaged file was taken for a whole one."""


@dataclass
class Bench:
    """A folder with a finished run, which is as before after each input.

    whole:    relative path -> content
    config, results, weights, moments:  what it says, its model's tensors, its checkpoints by name
    """

    folder: Path
    whole: dict[str, bytes] = field(default_factory=dict)
    config: Any = None
    results: Any = None
    weights: dict[str, bytes] = field(default_factory=dict)
    moments: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.run.exists():
            trained(self.run, "two-stage-vae", steps=2, settings={"checkpoint": {"every": 1}})
        self.config, self.weights = read_config(RunDir(self.run)), bits(load(self.run).state_dict())
        self.results = RunDir(self.run).read_results()
        self.moments = {name: moment(RunDir(self.run)._load(name)) for name in RunDir(self.run).names()}
        self.whole = {str(path.relative_to(self.run)): path.read_bytes() for path in _files(self.run)}

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @contextmanager
    def with_file(self, name: str, content: bytes) -> Iterator[None]:
        """The run with another content of one file."""
        (self.run / name).write_bytes(content)
        try:
            yield
        finally:
            for other in {str(path.relative_to(self.run)) for path in _files(self.run)} | self.whole.keys():
                self._restore(other)

    def _restore(self, name: str) -> None:
        file = self.run / name
        if name not in self.whole:
            file.unlink()
        elif not file.is_file() or file.read_bytes() != self.whole[name]:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.whole[name])


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def attempt(use: Callable[[], Any]) -> tuple[str, Any]:
    """`refused`, `warned` or `accepted`, and what came of it.

    Raises:  what is neither: a traceback
    """
    said = io.StringIO()
    _warn_once.cache_clear()  # each input is a command of its own
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        try:
            found = use()
        except AezooError as err:
            str(err).encode("utf-8", errors="backslashreplace")
            return "refused", None
        except Exception as err:
            if _out_of_memory(err):
                return "refused", None
            raise
    return ("warned" if "warning:" in said.getvalue() else "accepted"), found


def worst(verdicts: list[str]) -> str:
    return next(one for one in ("accepted", "warned", "refused") if one in verdicts)


def moment(checkpoint: Any) -> tuple[Any, ...]:
    both = {**checkpoint.model, **{f"trainer {name}": one for name, one in checkpoint.trainer.items()}}
    return checkpoint.stage, checkpoint.step, checkpoint.seconds, bits(both)


def bits(found: dict[str, torch.Tensor]) -> dict[str, bytes]:
    return {
        name: one.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() for name, one in found.items()
    }
