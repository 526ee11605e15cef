"""Recipes and experiments: everything they name is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import tomli_w

from aezoo.config.run import RunConfig
from aezoo.reproduction.evidence import methods_of
from aezoo.reproduction.experiment import cells_of, load_experiment
from aezoo.resolve import read, resolve
from aezoo.testing.rule import Fault, rule
from aezoo.testing.specimen import Specimen


@rule("recipe", "recipe", fix="`aezoo train NAME --dry-run` says which key is wrong")
def recipe(specimen: Specimen) -> None:
    """A recipe resolves to a complete config that goes through TOML and back."""
    check_toml(resolve(specimen.name))


@rule("experiment", "experiment", fix="`aezoo reproduce NAME --dry-run` says which key is wrong")
def experiment(specimen: Specimen) -> None:
    """Everything that an experiment trains resolves, and each claim speaks of something that it trains."""
    found = load_experiment(specimen.name)
    grids = [cells_of(found, scale, Path()) for scale in found.scales]
    trained = {cell.method for grid in grids for cell in grid.cells}
    for claim in found.claim:
        if unknown := [method for method in methods_of(claim) if method not in trained]:
            raise Fault(f"the claim '{claim.text}' speaks of {unknown[0]}, which is never trained")


def check_toml(config: RunConfig) -> None:
    """Raises Fault for a config that a file would not give back."""
    table = tomllib.loads(tomli_w.dumps(config.model_dump(exclude_none=True)))
    if read(table) != config:
        raise Fault("the config comes back from TOML as another one")
