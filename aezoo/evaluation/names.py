"""Names that others rely on: of the sets held against the test rows, and of kinds of warnings. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable

OWN = ("reconstruction", "generation")
"""What a model made."""
RECONSTRUCTION, GENERATION = OWN
REFERENCES = {"floor": "train against test", "mean": "mean image", "gaussian": "pixel Gaussian"}
"""What no model made.

floor:      other training rows: what a perfect generator would reach; no floor for reconstructions, which
            are made from the test rows themselves
mean:       the mean training row, over and over: nothing generated, nothing wrong on average
gaussian:   a normal distribution with mean and covariance of training rows, cut to the range
"""
FLOOR, MEAN, GAUSSIAN = REFERENCES
LABELS = {
    **REFERENCES,
    "reconstruction": "reconstruction",
    "generation": "generation",
    "stretched-reconstruction": "reconstruction, stretched",
    "stretched-generation": "generation, stretched",
    "lowest-reconstruction": "reconstruction, best of checkpoints on test",
    "lowest-generation": "generation, best of checkpoints on test",
}
"""All of them.

stretched:  each row's smallest value moved to 0, its largest to 1, and not rounded, as the FlexAE papers do
"""
PLAIN = (FLOOR, *OWN, MEAN, GAUSSIAN)
"""Those of a plain evaluation, as a table shows them."""
STRETCHED = (FLOOR, *OWN, "stretched-reconstruction", "stretched-generation", MEAN, GAUSSIAN)
"""Those of one with `--stretched`."""

# -- kinds of warnings ---------------------------------------------------------------------------------

UNFINISHED = "training is not finished"
COLLAPSED = "collapsed posterior"
DEAD_CODES = "dead codes"
DEAD_UNITS = "dead units"
MISSES = "the prior misses the codes"
FAR = "generation is far above reconstruction"
WORSE_RECONSTRUCTION = "reconstruction is worse than the mean image"
WORSE_GENERATION = "generation is worse than the pixel Gaussian"
COPIES = "generation copies training rows"
TOO_FEW = "too few rows"
KINDS = (
    UNFINISHED,
    COLLAPSED,
    DEAD_CODES,
    DEAD_UNITS,
    MISSES,
    FAR,
    WORSE_RECONSTRUCTION,
    WORSE_GENERATION,
    COPIES,
    TOO_FEW,
)
"""What a warning in results.json begins with, before its colon and numbers; other programs may rely on it.

TOO_FEW is about the measuring, all others about the training.
"""
FLAWS = (UNFINISHED, COLLAPSED, DEAD_CODES, DEAD_UNITS, MISSES, WORSE_RECONSTRUCTION)
"""Those of trainings that diverged, died or are not at their prior yet: no claim can rest on them.

What is far or bad that was generated is none: claims are about that.
"""


def kind_of(warning: str) -> str:
    """One of KINDS.

    >>> kind_of("dead codes: 3 of the 4 dimensions of the code hardly change with x")
    'dead codes'
    """
    return warning.partition(":")[0]


def flaws_in(warnings: Iterable[str]) -> list[str]:
    """The kinds among FLAWS, each once.

    >>> flaws_in(["dead units: 80% are 0", "generation is far above reconstruction: 9 times"])
    ['dead units']
    """
    return [kind for kind in dict.fromkeys(map(kind_of, warnings)) if kind in FLAWS]
