"""From a run directory back to its model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

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

    Raises:  ConfigError for such code without trust
             RunFileError when the directory holds no model or a damaged one; MissingError when a part's
             package is not installed
    """
    run = RunDir(Path(path))
    config = read_config(run, modules or (), trust=trust)
    if config.x is None:
        raise RunFileError(f"{run.path / 'config.toml'} does not say what x is", fix="name a run directory")
    model = model_of(config, config.x.shape, config.x.range, modules)
    load_state(model, run.read_model())
    return model.eval()
