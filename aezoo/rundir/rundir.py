"""The run directory: its files, and the checkpoints in it. No opinion on what the numbers mean."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    reading,
    sha256,
    write_bytes,
    write_text,
    writing,
)
from aezoo.rundir import results, seals
from aezoo.rundir.log import Log, stage_order
from aezoo.rundir.own import CHECKPOINT
from aezoo.rundir.replace import Replacement, moved_aside
from aezoo.rundir.sealed import Damaged, holds, open_sealed, parse, read_said, seal, seal_table

MODEL, TRAINER, STATE = "model.safetensors", "trainer.safetensors", "state.json"
RETRIES = 5  # of a reading that another process came in between
_STATE = {"format": int, "stage": str, "step": int, "seconds": float, "sha256": dict}


@dataclass(frozen=True)
class Checkpoint:
    """A moment of training: stage and step, the model's tensors, the trainer's.

    log:  what is known of the lines of metrics.jsonl before it
    """

    stage: str
    step: int
    model: dict[str, Tensor]
    trainer: dict[str, Tensor]
    seconds: float
    log: Mapping[str, Any] = field(default_factory=dict)


class RunDir:
    """The files of one run.

    path:  the directory; it need not exist yet
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = Log(self.metrics_file)
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
        self._move(replacement.run)
        return replacement

    @property
    def is_replacing(self) -> bool:
        """Whether it still lies beside the run whose place it is to take."""
        return self._replacing is not None

    def _move(self, path: Path) -> None:
        self.path = path
        self.log.file = self.metrics_file

    # -- configuration -----------------------------------------------------------------------------

    def write_config(self, config: RunConfig) -> None:
        make_directory(self.path)
        text = tomli_w.dumps(config.model_dump(exclude_none=True))
        try:
            content = text.encode()
        except UnicodeEncodeError as err:  # a name that is changed would be another one
            odd = next(line for line in text.splitlines() if not _is_utf8(line))
            raise ConfigError(
                f"{odd.strip()} is no UTF-8, so that config.toml cannot hold it",
                where=str(self.path / "config.toml"),
                fix="rename the file or the directory that it names",
            ) from err
        write_bytes(self.path / "config.toml", seals.sealed(content))

    def has_config(self) -> bool:
        with reading(self.path / "config.toml"):
            return (self.path / "config.toml").is_file()

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
        self._check_config()
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

    def _check_config(self) -> None:
        """Warn where config.toml is not what aezoo wrote last: people may edit it, and disks may fail."""
        file = self.path / "config.toml"
        with reading(file):
            whole = seals.is_whole(file.read_bytes())
        if not whole:
            _warn_once(
                f"{file} is not as aezoo wrote it: it fails its checksum; "
                "where you changed it yourself, delete its first line"
            )

    @property
    def id(self) -> str | None:
        """The run's identifier, by its config.toml; None for an older run, and before there is one."""
        found = self._said("id")
        return found if isinstance(found, str) else None

    def _said(self, *keys: str) -> Any:
        """What config.toml says under a key of a section; None where it does not, or is none."""
        try:
            found: Any = read_toml(self.path / "config.toml")
        except ConfigError:
            return None
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    # -- checkpoints -------------------------------------------------------------------------------

    def save_checkpoint(self, checkpoint: Checkpoint, keep: int) -> None:
        """Write one whole, point `latest` at it, then delete what is no longer kept.

        Raises:  DiskError; the earlier checkpoints are then as they were
        """
        name = _name(checkpoint.stage, checkpoint.step)
        parts = {MODEL: _pack(checkpoint.model), TRAINER: _pack(checkpoint.trainer)}
        state = seal_table(
            {
                "format": FORMAT,
                "version": __version__,
                "run": self.id,
                "stage": checkpoint.stage,
                "step": checkpoint.step,
                "seconds": checkpoint.seconds,
                "metrics": self.log.remember(),
                "sha256": {file: sha256(content) for file, content in parts.items()},
            }
        )
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
            self._move(path)
            self._replacing = None
        self._prune(checkpoint.stage, keep)

    def names(self) -> list[str]:
        """Complete checkpoints: later stages and steps last."""
        with reading(self.checkpoints):
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
        except (OSError, ValueError, safetensors.SafetensorError) as err:
            raise RunFileError(
                f"{self.checkpoints / name} is damaged: {err}", fix="delete it, or train anew"
            ) from err

    def load_latest(self, stage: str | None = None) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and what is wrong with newer ones.

        Raises:  RunFileError for one that a newer aezoo wrote: it is no damage, and must not be trained over
        """
        for _ in range(RETRIES):  # another process may delete the one that is read, after writing a newer one
            faults: list[str] = []
            gone = False
            for name in reversed(self.names()):
                if stage is not None and _order(name)[0] != stage_order(stage):
                    continue
                try:
                    return self._load(name), faults
                except (OSError, ValueError, safetensors.SafetensorError) as err:
                    faults.append(f"{self.checkpoints / name}: {err}")
                    with reading(self.checkpoints):
                        gone = gone or not (self.checkpoints / name).exists()
            if not gone:
                break
        return None, faults

    def _load(self, name: str) -> Checkpoint:
        directory = self.checkpoints / name
        state = parse((directory / STATE).read_bytes())
        self._check_state(state, directory)
        contents = {file: (directory / file).read_bytes() for file in (MODEL, TRAINER)}
        for file, content in contents.items():
            if sha256(content) != state["sha256"][file]:
                raise Damaged(f"{file} fails its checksum")
        return Checkpoint(
            state["stage"],
            state["step"],
            load_tensors(contents[MODEL]),
            load_tensors(contents[TRAINER]),
            state["seconds"],
            state.get("metrics", {}),
        )

    def _check_state(self, state: Mapping[str, Any], directory: Path) -> None:
        """Raises:  Damaged for a state.json that is not this checkpoint's; RunFileError for a newer one"""
        if type(state.get("format")) is int and state["format"] > FORMAT:
            raise RunFileError(
                f"{directory} was written by aezoo {state.get('version')}, newer than this {__version__}",
                where=str(directory),
                fix="upgrade aezoo",
            )
        if not _has_shape(state, _STATE) or not _has_shape(
            state["sha256"], dict.fromkeys((MODEL, TRAINER), str)
        ):
            raise Damaged(f"{STATE} lacks what a checkpoint says, or says it in another form")
        if not holds(state):
            raise Damaged(f"{STATE} fails its checksum")
        if (said := _name(state["stage"], state["step"])) != directory.name:
            raise Damaged(f"{STATE} says that it is {said}")
        self._check_run(state.get("run"))

    def _check_run(self, said: str | None) -> None:
        """Raises:  Damaged for the identifier of another run; older files name none"""
        own = self.id
        if None not in (said, own) and said != own:
            raise Damaged(f"it is of another run, {said}; config.toml says {own}")

    def mend_pointer(self, checkpoint: Checkpoint) -> None:
        """Let `latest` name the checkpoint: a kill may have come right before it was to."""
        latest, name = self.checkpoints / "latest", _name(checkpoint.stage, checkpoint.step)
        with reading(latest):
            right = latest.is_file() and latest.read_bytes() == name.encode()
        if not right:
            write_text(latest, name)

    def _prune(self, stage: str, keep: int) -> None:
        """Of each stage the newest stay, so that an earlier stage can still be extended."""
        mine = [name for name in self.names() if _order(name)[0] == stage_order(stage)]
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
        self.log.append(line)

    def read_metrics(self) -> list[dict[str, Any]]:
        """All whole lines; that others are left out is told."""
        lines, faults = self.metrics()
        for fault in faults:
            _warn_once(fault)
        return lines

    def metrics(self) -> tuple[list[dict[str, Any]], list[str]]:
        """All whole lines of metrics.jsonl, and what is wrong with others."""
        lines, damaged = self.log.read()
        return lines, [f"{self.metrics_file} is damaged: lines left out: {damaged}"] if damaged else []

    def rewind_metrics(self, stage: str, step: int, remembered: Mapping[str, Any] | None = None) -> None:
        """Drop the lines written after a checkpoint; `remembered` is what it says of those before."""
        self.log.rewind(stage, step, remembered or {})

    # -- what is left in the end -------------------------------------------------------------------

    def write_model(self, tensors: Mapping[str, Tensor], steps: int | None = None) -> None:
        """Write the finished model.

        steps:  that it was trained for; none: it is not said, and the model counts as finished
        """
        said = {"run": self.id, "steps": None if steps is None else str(steps)}
        known = {key: value for key, value in said.items() if value is not None}
        write_bytes(self.path / MODEL, seal(_pack(tensors), known))

    def model_sha256(self) -> str:
        """Of the finished model's tensors, as its file says it; empty where nothing says it."""
        return read_said(self.path / MODEL).get("sha256", "")

    def model_steps(self) -> int | None:
        """For how many steps the finished model was trained; None where nothing says it."""
        said = read_said(self.path / MODEL).get("steps", "")
        return int(said) if said.isdecimal() else None

    def has_model(self) -> bool:
        """Whether training came to its end once; before that there are only checkpoints."""
        with reading(self.path / MODEL):
            return (self.path / MODEL).is_file()

    def is_finished(self) -> bool:
        """Whether training came to the end that config.toml asks for; a stopped extension did not."""
        steps = self.model_steps()
        return self.has_model() and (steps is None or self._said("train", "steps") in (steps, None))

    def reached(self) -> int:
        """The step of the model that `read_model` gives; 0 where there is none."""
        return max([self.model_steps() or 0, *self.steps()])

    def is_model_newest(self) -> bool:
        """Whether the finished model is what counts: no extension has a checkpoint of more steps."""
        return self.has_model() and (self.is_finished() or (self.model_steps() or 0) >= self.reached())

    def newest(self) -> str:
        """What `read_model` reads: the finished model's hash, or a checkpoint's name; empty for none."""
        return self.model_sha256() if self.is_model_newest() else next(reversed(self.names()), "")

    def read_model(self) -> dict[str, Tensor]:
        """The finished model's tensors, or those of the newest checkpoint where that is further.

        Raises:  RunFileError when there is neither, or the file is damaged or of another run
        """
        if self.is_model_newest():
            return self._finished_model()
        checkpoint, faults = self.load_latest()
        if checkpoint is None:
            raise RunFileError(
                f"{self.path} holds no model" + "".join(f"\n  {fault}" for fault in faults),
                fix="train it, or resume its training with --resume",
            )
        for fault in faults:
            print_warning(f"a damaged checkpoint is passed over: {fault}")
        return checkpoint.model

    def _finished_model(self) -> dict[str, Tensor]:
        file = self.path / MODEL
        try:
            with reading(file):
                content = file.read_bytes()
            self._check_run(open_sealed(content).get("run"))
            return load_tensors(content)
        except (ValueError, safetensors.SafetensorError) as err:
            raise RunFileError(
                f"{file} is damaged: {err}", fix="delete it and train on with --resume"
            ) from err

    def read_results(self) -> dict[str, Any]:
        """What results.json holds; nothing where there is none yet.

        Raises:  RunFileError when it is no JSON, or holds no results
        """
        path = self.path / "results.json"
        with reading(path):
            if not path.is_file():
                return {}
            content = path.read_bytes()
        try:
            found, whole = results.parse(content)
        except ValueError as err:
            raise RunFileError(f"{path} is damaged: {err}", fix="delete it and evaluate again") from err
        if not whole:
            _warn_once(f"{path} is not as aezoo wrote it: it fails its checksum; evaluate again")
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


def _is_utf8(text: str) -> bool:
    return as_bytes(text).decode() == text


def _name(stage: str, step: int) -> str:
    return f"{'step' if stage == 'train' else stage}-{step:09d}"


def _order(name: str) -> tuple[int, int]:
    stage, _, step = name.rpartition("-")
    return stage_order("train" if stage == "step" else stage), int(step)


@functools.cache
def _warn_once(text: str) -> None:
    """For what several readings of one command would say again."""
    print_warning(text)


def _has_shape(table: Mapping[str, Any], shape: Mapping[str, type]) -> bool:
    """Whether the values of a table are of these types, `float` for any number."""
    kinds = {key: (int, float) if kind is float else (kind,) for key, kind in shape.items()}
    return all(type(table.get(key)) in kind for key, kind in kinds.items())


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
