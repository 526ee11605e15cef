"""The verb `train` for Python: the parts that the command line names, or modules of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

from aezoo.data.given import Rows, given_data
from aezoo.errors import ConfigError
from aezoo.parts.types import Data
from aezoo.resolve import resolve
from aezoo.training.progress import Bar, Silence
from aezoo.verbs.train import Run, TrainRequest
from aezoo.verbs.train import train as run

Part = str | Mapping[str, Any] | nn.Module
"""A name, a table with `name` and settings, or a finished module of one's own."""


def train(
    recipe: str | Path | None = None,
    *,
    backbone: Part | None = None,
    encoder: Part | None = None,
    decoder: Part | None = None,
    prior: Part | None = None,
    divergence: Part | None = None,
    regularizers: str | Iterable[str] | Mapping[str, Part | bool] = (),
    reconstruction: Part | None = None,
    dataset: Part | Rows | None = None,
    settings: Mapping[str, Any] | None = None,
    scale: str | None = None,
    plugins: Sequence[str | Path] = (),
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    trust: bool = False,
    allow_other_code: bool = False,
    quiet: bool = True,
    **options: Any,
) -> Run:
    """Train a model, as `aezoo train` does.

    recipe:    a recipe's name or a TOML file
    parts:     each a name, a table with `name` and settings, or a module of one's own
    regularizers:  names, or by label what a part can be; False takes a recipe's away
    dataset:   also the data themselves, which the run records without keeping them: a tensor or an array
               (uint8 0..255 or floats 0..1; [N, C, H, W], [N, H, W, C], [N, H, W] or [N, D]), a torch Dataset
               of x or (x, class), or a `Data`; see docs/data.md
    settings:  nested tables, such as {"optimizer": {"lr": 1e-3}}
    plugins:   one-file plugins to load first
    out:       the run directory; without it one under `runs/`
    trust:     whether code may be executed that a run names, which is resumed or whose config.toml is given
    allow_other_code:  resume also where a part's package is of another version than the run's
    options:   keys of the section `train`, such as steps=500, seed=1

    Raises:  AezooError for everything a user can mend
    """
    data = None
    if isinstance(dataset, Tensor | np.ndarray | Dataset | Data):  # the data themselves
        data, dataset = given_data(dataset)
    named = {
        "backbone": backbone,
        "encoder": encoder,
        "decoder": decoder,
        "prior": prior,
        "divergence": divergence,
        "reconstruction": reconstruction,
        "dataset": dataset,
    }
    modules = {section: part for section, part in named.items() if isinstance(part, nn.Module)}
    given = {section: part for section, part in named.items() if part is not None}
    flags = {f"{section}=": {section: _section(section, part)} for section, part in given.items()}
    more = _by_label(regularizers)
    modules |= {f"regularizer.{label}": part for label, part in more.items() if isinstance(part, nn.Module)}
    tables = {label: _table("regularizer", part) for label, part in more.items()}
    if tables:
        flags["regularizers="] = {"regularizer": tables}
    if options:
        flags["train()"] = {"train": options}
    if settings:
        flags["settings="] = dict(settings)
    config = resolve(recipe, flags=flags, scale=scale, given=modules, plugins=plugins, trusted=trust)
    request = TrainRequest(
        config=config,
        modules=modules,
        data=data,
        out=out,
        resume=resume,
        overwrite=overwrite,
        trust=trust,
        allow_other_code=allow_other_code,
    )
    return run(request, Silence() if quiet else Bar())


def _by_label(regularizers: str | Iterable[str] | Mapping[str, Part | bool]) -> dict[str, Part | bool]:
    if isinstance(regularizers, Mapping):
        return dict(regularizers)
    return dict.fromkeys([regularizers] if isinstance(regularizers, str) else regularizers, True)


def _table(kind: str, part: Part | bool) -> Any:
    """A regularizer's table; its label is its part's name unless the table says otherwise."""
    section = part if isinstance(part, bool) else _section(kind, part)
    return {"name": section} if isinstance(section, str) else section


def _section(kind: str, part: Part) -> Any:
    """What a config says of a part given in Python."""
    if isinstance(part, nn.Module):
        return {"name": f"{type(part).__module__}:{type(part).__qualname__}"}
    if not isinstance(part, str | Mapping):
        raise ConfigError(
            f"'{kind}' cannot be of the type {type(part).__name__}",
            where=f"{kind} in train()",
            fix="give a name, a table with `name` and settings, or the part itself",
        )
    return part if isinstance(part, str) else dict(part)
