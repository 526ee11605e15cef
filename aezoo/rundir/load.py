"""From a run directory back to its model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from aezoo.config.run import RunConfig
from aezoo.errors import RunFileError
from aezoo.parts.autoencoder import Autoencoder, load_state
from aezoo.parts.build import model_of
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir


def load(
    path: str | Path, *, modules: Mapping[str, nn.Module] | None = None, trust: bool = False
) -> Autoencoder:
    """The model of a run directory, on the CPU in evaluation mode.

    modules:  finished modules for sections that were trained with one, such as {"encoder": MyEncoder(3)};
              without it the class named in `config.toml` is made anew with its default arguments
    trust:    whether code that the run names may be executed: its one-file plugins, its `module:Class`;
              else only what is installed, and what was asked for in this process already

    Where a part's package is of another version than the run's, a warning says so.

    Raises:  ConfigError for such code without trust, and for sections in `modules` that the run does not have
             RunFileError when the directory holds no model or a damaged one; MissingError when a part's
             package is not installed, whoever else has a part of its name
    """
    run = RunDir(Path(path))
    return model_in(run, read_config(run, modules or (), trust=trust), modules)


def model_in(run: RunDir, config: RunConfig, modules: Mapping[str, nn.Module] | None = None) -> Autoencoder:
    """The same of a run whose config was read already."""
    if config.x is None:
        raise RunFileError(f"{run.path / 'config.toml'} does not say what x is", fix="name a run directory")
    model = model_of(config, config.x.shape, config.x.range, modules)
    load_state(model, run.read_model())
    return model.eval()
