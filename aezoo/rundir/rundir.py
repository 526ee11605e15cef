"""The run directory: its files, and the checkpoints in it. No opinion on what the numbers mean."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import tomli_w
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from aezoo import __version__
from aezoo.config.merge import read_toml
from aezoo.config.run import FORMAT, RUNS_OWN, RunConfig
from aezoo.errors import ConfigError, RunFileError, print_warning
from aezoo.files import (
    as_bytes,
    flush_directory,
    make_directory,
    parse_json,
    sha256,
    write_bytes,
    write_text,
    writing,
)
from aezoo.rundir import metrics, results, seals
from aezoo.rundir.own import CHECKPOINT
from aezoo.rundir.replace import Replacement, moved_aside

MODEL, TRAINER, STATE = "model.safetensors", "trainer.safetensors", "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """A moment of training: stage and step, the model's tensors, the trainer's."""

    stage: str
    step: int
    model: dict[str, Tensor]
    trainer: dict[str, Tensor]
    seconds: float


class _Damaged(Exception):
    """A file whose content is not what was written."""


class RunDir:
    """The files of one run.

    path:  the directory; it need not exist yet
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._replacing: tuple[Replacement, Path] | None = None

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    def replace(self, replacement: Replacement) -> Replacement:
        """Lie beside the run of this name from now on, and take its place with the first checkpoint."""
        self._replacing = replacement, self.path
        self.path = replacement.run
        return replacement

    # -- configuration -----------------------------------------------------------------------------

    def write_config(self, config: RunConfig) -> None:
        make_directory(self.path)
        text = tomli_w.dumps(config.model_dump(exclude_none=True))
        write_bytes(self.path / "config.toml", seals.sealed(as_bytes(text)))

    def has_config(self) -> bool:
        return (self.path / "config.toml").exists()

    def is_run(self) -> bool:
        """Whether the directory's config.toml is a run's, and not some other program's."""
        try:
            return self.has_config() and read_toml(self.path / "config.toml").keys() >= RUNS_OWN
        except ConfigError:
            return False

    def read_config(self) -> dict[str, Any]:
        """The run's own settings.

        Raises:  RunFileError when this is no run directory, or a newer aezoo wrote it
        """
        if not self.has_config():
            aside = moved_aside(self.path)
            raise RunFileError(
                f"{self.path} is no run directory: it holds no config.toml",
                fix=f"an interrupted --overwrite left it in {aside}: move that back"
                if aside
                else "name the directory of a run",
            )
        table = read_toml(self.path / "config.toml")
        if not seals.is_whole((self.path / "config.toml").read_bytes()):
            print_warning(
                f"{self.path / 'config.toml'} is not as aezoo wrote it: it fails its checksum; "
                "where you changed it yourself, delete its first line"
            )
        if not isinstance(table.get("format", 0), int) or table.get("format", 0) > FORMAT:
            raise RunFileError(
                f"{self.path} was written by aezoo {table.get('version', '(unknown)')}, with files of format "
                f"{table['format']}; this is {__version__}, which reads up to {FORMAT}",
                fix="upgrade aezoo",
            )
        if not table.keys() >= RUNS_OWN:
            raise RunFileError(
                f"{self.path} is no run directory: its config.toml lacks "
                f"{', '.join(sorted(RUNS_OWN - table.keys()))}",
                fix="name the directory of a run",
            )
        return table

    # -- checkpoints -------------------------------------------------------------------------------

    def save_checkpoint(self, checkpoint: Checkpoint, keep: int) -> None:
        """Write one whole, point `latest` at it, then delete what is no longer kept.

        Raises:  DiskError; the earlier checkpoints are then as they were
        """
        name = _name(checkpoint.stage, checkpoint.step)
        parts = {MODEL: _pack(checkpoint.model), TRAINER: _pack(checkpoint.trainer)}
        state = {
            "format": FORMAT,
            "version": __version__,
            "stage": checkpoint.stage,
            "step": checkpoint.step,
            "seconds": checkpoint.seconds,
            "sha256": {file: sha256(content) for file, content in parts.items()},
        }
        unfinished = self.checkpoints / f".{name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            make_directory(unfinished)
            for file, content in parts.items():
                write_bytes(unfinished / file, content)
            write_text(unfinished / STATE, json.dumps(state, indent=1))
        except BaseException:  # what is half written would only fill the disk
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        final = self.checkpoints / name
        with writing(final):
            if final.exists():  # only ever an equal one, of a run that was stopped right here
                shutil.rmtree(final)
            unfinished.rename(final)
            flush_directory(self.checkpoints)
        write_text(self.checkpoints / "latest", name)
        if self._replacing is not None:
            replacement, path = self._replacing
            replacement.take_place()
            self.path, self._replacing = path, None
        self._prune(checkpoint.stage, keep)

    def names(self) -> list[str]:
        """Complete checkpoints: later stages and steps last."""
        if not self.checkpoints.is_dir():
            return []
        found = [path.name for path in self.checkpoints.iterdir() if (path / STATE).exists()]
        return sorted(filter(CHECKPOINT.fullmatch, found), key=_order)

    def drop_fits(self) -> None:
        """Delete the checkpoints of stages after `train`, whose codes are no longer the model's."""
        for name in self.names():
            if _order(name)[0] > 0:
                self._delete(name)

    def steps(self) -> list[int]:
        """Iterations after which a checkpoint of the stage `train` is kept, ascending."""
        orders = [_order(name) for name in self.names()]
        return [step for stage, step in orders if stage == 0]

    def checkpoint_at(self, step: int) -> Checkpoint:
        """The checkpoint of the stage `train` after so many iterations.

        Raises:  RunFileError when it is damaged
        """
        name = _name("train", step)
        try:
            return self._load(name)
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as err:
            raise RunFileError(
                f"{self.checkpoints / name} is damaged: {err}", fix="delete it, or train anew"
            ) from err

    def load_latest(self, stage: str | None = None) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and what is wrong with newer ones.

        Raises:  RunFileError for one that a newer aezoo wrote: it is no damage, and must not be trained over
        """
        faults: list[str] = []
        for name in reversed(self.names()):
            if stage is not None and _order(name)[0] != _stage_order(stage):
                continue
            try:
                return self._load(name), faults
            except (_Damaged, OSError, ValueError, KeyError, safetensors.SafetensorError) as err:
                faults.append(f"{self.checkpoints / name}: {err}")
        return None, faults

    def _load(self, name: str) -> Checkpoint:
        directory = self.checkpoints / name
        state = json.loads((directory / STATE).read_text(encoding="utf-8"))
        if state["format"] > FORMAT:
            raise RunFileError(
                f"{directory} was written by aezoo {state['version']}, newer than this {__version__}",
                where=str(directory),
                fix="upgrade aezoo",
            )
        contents = {file: (directory / file).read_bytes() for file in (MODEL, TRAINER)}
        for file, content in contents.items():
            if sha256(content) != state["sha256"][file]:
                raise _Damaged(f"{file} fails its checksum")
        return Checkpoint(
            state["stage"],
            state["step"],
            load_tensors(contents[MODEL]),
            load_tensors(contents[TRAINER]),
            state["seconds"],
        )

    def _prune(self, stage: str, keep: int) -> None:
        """Of each stage the newest stay, so that an earlier stage can still be extended."""
        mine = [name for name in self.names() if _order(name)[0] == _stage_order(stage)]
        for name in mine[:-keep]:
            self._delete(name)

    def _delete(self, name: str) -> None:
        """Whoever reads at the same time finds it whole or not at all."""
        with writing(self.checkpoints / name):
            gone = self.checkpoints / f".{name}"
            shutil.rmtree(gone, ignore_errors=True)
            (self.checkpoints / name).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    # -- metrics.jsonl -----------------------------------------------------------------------------

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        with writing(self.metrics_file), self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """All whole lines; that others are left out is told."""
        lines, faults = self.metrics()
        for fault in faults:
            print_warning(fault)
        return lines

    def metrics(self) -> tuple[list[dict[str, Any]], list[str]]:
        """All whole lines of metrics.jsonl, and what is wrong with others."""
        if not self.metrics_file.exists():
            return [], []
        lines, damaged = metrics.parse(self.metrics_file.read_bytes())
        return lines, [f"{self.metrics_file} is damaged: lines left out: {damaged}"] if damaged else []

    def rewind_metrics(self, stage: str, step: int) -> None:
        """Drop the lines written after a checkpoint, so that a resumed run repeats none."""
        moment = (_stage_order(stage), step)
        kept = [
            line
            for line in self.read_metrics()
            if (_stage_order(line.get("stage", "train")), line["step"]) <= moment
        ]
        write_text(self.metrics_file, "".join(json.dumps(line) + "\n" for line in kept))

    # -- what is left in the end -------------------------------------------------------------------

    def write_model(self, tensors: Mapping[str, Tensor]) -> None:
        write_bytes(self.path / MODEL, _seal(_pack(tensors)))

    def has_model(self) -> bool:
        """Whether training came to its end once; before that there are only checkpoints."""
        return (self.path / MODEL).exists()

    def read_model(self) -> dict[str, Tensor]:
        """The finished model's tensors, or the newest checkpoint's.

        Raises:  RunFileError when there is neither, or the file is damaged
        """
        if self.has_model():
            try:
                content = (self.path / MODEL).read_bytes()
                _check_seal(content)
                return load_tensors(content)
            except (_Damaged, ValueError, safetensors.SafetensorError) as err:
                raise RunFileError(
                    f"{self.path / MODEL} is damaged: {err}", fix="delete it and train on with --resume"
                ) from err
        checkpoint, faults = self.load_latest()
        if checkpoint is None:
            raise RunFileError(
                f"{self.path} holds no model" + "".join(f"\n  {fault}" for fault in faults),
                fix="train it, or resume its training with --resume",
            )
        for fault in faults:
            print_warning(f"a damaged checkpoint is passed over: {fault}")
        return checkpoint.model

    def read_results(self) -> dict[str, Any]:
        """What results.json holds; nothing where there is none yet.

        Raises:  RunFileError when it is no JSON, or holds no results
        """
        path = self.path / "results.json"
        if not path.is_file():
            return {}
        try:
            found, whole = results.parse(path.read_bytes())
        except ValueError as err:
            raise RunFileError(f"{path} is damaged: {err}", fix="delete it and evaluate again") from err
        if not whole:
            print_warning(f"{path} is not as aezoo wrote it: it fails its checksum; evaluate again")
        return found

    def write_results(self, table: Mapping[str, Any]) -> None:
        write_text(self.path / "results.json", results.text(table))


def new_path(wanted: Path) -> Path:
    """The wanted path, or the first free one numbered on."""
    path, number = wanted, 1
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")
    return path


def newest_path(wanted: Path) -> Path:
    """The newest of the numbered paths that exist, or the wanted one."""
    path, number = wanted, 2
    while (following := wanted.with_name(f"{wanted.name}-{number}")).exists():
        path, number = following, number + 1
    return path


def _name(stage: str, step: int) -> str:
    return f"{'step' if stage == 'train' else stage}-{step:09d}"


def _order(name: str) -> tuple[int, int]:
    stage, _, step = name.rpartition("-")
    return _stage_order("train" if stage == "step" else stage), int(step)


def _stage_order(stage: str) -> int:
    """`train` comes before `fit`, which comes before `fit2`."""
    return 0 if stage == "train" else int(stage.removeprefix("fit") or 1)


def _pack(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors as safetensors bytes: on the CPU, contiguous, no two sharing memory."""
    packed: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().to("cpu", memory_format=torch.contiguous_format).contiguous()
        if own.data_ptr() in seen or own.untyped_storage().nbytes() != own.nbytes:
            own = own.clone()
        seen.add(own.data_ptr())
        packed[name] = own
    return save_tensors(packed)


def _seal(content: bytes) -> bytes:
    """Safetensors bytes whose header holds the sha256 of the tensors behind it."""
    header, body = _split(content)
    header["__metadata__"] = {"sha256": sha256(body)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + body


def _check_seal(content: bytes) -> None:
    """Raises _Damaged when the tensors are not those that were written; files without a seal pass."""
    header, body = _split(content)
    found = sha256(body)
    said = header.get("__metadata__", {})
    if not isinstance(said, dict) or said.get("sha256", found) != found:
        raise _Damaged("it fails its checksum")


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and tensors of safetensors bytes.

    Raises:  ValueError where the header is none
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = parse_json(content[8:end])
    if not isinstance(header, dict):
        raise ValueError(f"its header is a {type(header).__name__}")
    return header, content[end:]
