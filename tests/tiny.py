"""The smallest training: its settings once, as keywords, as texts for `--set`, and as words of a command."""

from pathlib import Path

import aezoo
from aezoo.verbs.train import Run

MLP = {"name": "mlp", "hidden": [8]}
TRAIN = {"batch_size": 8, "latent_dim": 3}
TINY = {"backbone": MLP, **TRAIN}
SETS = (
    *(f"backbone.{key}={value}" for key, value in MLP.items()),
    *(f"train.{key}={value}" for key, value in TRAIN.items()),
)
WORDS = (
    *("--backbone", MLP["name"], "--set", f"backbone.hidden={MLP['hidden']}"),
    *(word for key, value in TRAIN.items() for word in (f"--{key.replace('_', '-')}", str(value))),
)


def trained(out: Path | None, recipe: str | Path = "vae", **options: object) -> Run:
    """Two steps, where `options` do not say otherwise."""
    return aezoo.train(recipe, **{**TINY, "steps": 2, "out": out, **options})
