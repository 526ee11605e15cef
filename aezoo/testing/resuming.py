"""Training that is stopped and goes on from its checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from aezoo.parts.autoencoder import load_state, split_state
from aezoo.parts.interfaces import FittedPrior
from aezoo.rundir.rundir import RunDir
from aezoo.testing.rule import Fault, rule
from aezoo.testing.specimen import Specimen, trainer_of
from aezoo.testing.tensors import copy_state, difference
from aezoo.training.progress import Silence
from aezoo.training.stages import Stages
from aezoo.training.trainer import Trainer

_OF_TORCH = frozenset(vars(nn.Module()))
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


@rule(
    "resume",
    fix="keep what changes while training in weights or buffers (register_buffer), which a checkpoint has",
)
def resume(specimen: Specimen) -> None:
    """Training that is stopped and resumed arrives at the same bits."""
    with torch.random.fork_rng(devices=[]):
        one, shape = specimen.assemble()
        straight = trainer_of(one, shape)
        straight.iterate()
        model, trainer = _saved(straight)
        logged = straight.iterate(record=True)
        other, _ = specimen.assemble()
        resumed = trainer_of(other, shape, resumed=True)
        load_state(other.model, model)
        resumed.load_state(trainer, completed=1)
        again = resumed.iterate(record=True)
    if stray := _stray(one.model, other.model):
        raise Fault(f"training changes {stray}, which is neither weight nor buffer: a resumed run loses it")
    if logged != again:
        raise Fault("stopped after a step and resumed, training logs other terms")
    if changed := difference(copy_state(one.model), copy_state(other.model)):
        raise Fault(f"stopped after a step and resumed, {changed} differs")
    if isinstance(one.model.prior, FittedPrior) and specimen.kind == "prior":
        _check_fit(specimen)


def _check_fit(specimen: Specimen) -> None:
    """What a fit trains is stopped after its first checkpoint, and goes on from it."""
    config = specimen.config()
    config = config.model_copy(update={"checkpoint": config.checkpoint.model_copy(update={"every": 1})})
    with tempfile.TemporaryDirectory() as folder:
        run, stopped = RunDir(Path(folder)), specimen.assemble()[0].model
        try:
            specimen.fit(stopped, Stages(run, stopped, config, _Stop()))
        except _Stopped:
            checkpoint, _ = run.load_latest()
        else:
            return  # it trains nothing: a resumed run fits it anew
        resumed = specimen.assemble()[0].model
        specimen.fit(resumed, Stages(run, resumed, config, Silence(), checkpoint))
    if changed := difference(copy_state(specimen.fit_prior()), copy_state(resumed.prior)):
        raise Fault(
            f"its fit, stopped after a step and resumed, ends with another {changed}",
            "let the function of the draw that is given to fitting.train depend on nothing but the draw",
        )


class _Stopped(Exception):
    """A training is stopped."""


class _Stop:
    """Stops a training in its second step."""

    def start(self, stage: str, steps: int, completed: int) -> None:
        """Nothing."""

    def show(self, numbers: Mapping[str, float]) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""

    def advance(self, completed: int) -> None:
        if completed == 2:
            raise _Stopped


def _saved(trainer: Trainer) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What a checkpoint gives back: the model's tensors, and the trainer's."""
    model, memory = split_state(trainer.model)  # type: ignore[arg-type]  # of an Autoencoder
    kept = {name.removeprefix("memory/"): value for name, value in memory.items()}
    return _through_file({**model, **kept}), _through_file(trainer.state())


def _through_file(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return load(save({name: value.contiguous().clone() for name, value in tensors.items()}))


def _stray(one: nn.Module, other: nn.Module) -> str:
    """The first plain attribute that differs between two models; empty when none does."""
    for (name, module), twin in zip(one.named_modules(), other.modules(), strict=True):
        for key, value in vars(module).items():
            if key not in _OF_TORCH and not _same(value, vars(twin).get(key)):
                return f"`{type(module).__name__}.{key}` (of {name})" if name else f"`{key}`"
    return ""


def _same(one: Any, other: Any) -> bool:
    """Whether two values that a program can compare are equal; of others it says so."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other)
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        plain = {key for key in one if isinstance(key, _PLAIN)}
        return isinstance(other, dict) and all(key in other and _same(one[key], other[key]) for key in plain)
    return not isinstance(one, _PLAIN) or one == other
