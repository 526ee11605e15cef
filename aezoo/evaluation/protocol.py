"""Everything a number depends on besides the model. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

CheckpointRule = Literal["last", "best-validation", "min-over-checkpoints"]


@dataclass(frozen=True)
class Protocol:
    """How a number was measured: two of them compare only where these agree, but for `versions`.

    dataset, split:  where the real rows come from
    n_real, n_fake:  rows on each side
    extractor:       the space; empty where x itself is measured
    layer, resize:   of the extractor, in its own words
    weights_sha256:  of the extractor's weights; empty without weights
    rounding:        `8 bits` where images were rounded to what a file would hold; `dequantised` where uniform
                     noise was added to rounded ones for a likelihood; `none` otherwise
    stretched:       whether each generated image was stretched to the whole range (the FlexAE papers' quirk)
    checkpoint:      which of a run's weights: the last, the best on validation data, or, as the FlexAE papers
                     report, the lowest of all values on test data
    weights:         whether they are an average over training (`averaged`) or as trained (`last`)
    seed:            of everything drawn while measuring
    engine:          whose code computed it
    settings:        of the metric
    packages:        metric and extractor, where they are not aezoo's own: "kind/name" -> distribution,
                     version and hash of the code
    versions:        of aezoo and the libraries it counts with, and the commit; they tell where a number is
                     from and are not compared, or no number would outlive an upgrade
    """

    dataset: str
    n_real: int
    n_fake: int
    split: str = "test"
    extractor: str = ""
    layer: str = ""
    resize: str = "none"
    weights_sha256: str = ""
    rounding: Literal["8 bits", "dequantised", "none"] = "none"
    stretched: bool = False
    checkpoint: CheckpointRule = "last"
    weights: Literal["last", "averaged"] = "last"
    seed: int = 0
    engine: str = "aezoo"
    settings: Mapping[str, Any] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict, compare=False)

    def as_row(self) -> dict[str, Any]:
        """Its fields, as they stand in a row of results.json; without `packages` where all is aezoo's own."""
        return {name: value for name, value in asdict(self).items() if value or name != "packages"}
