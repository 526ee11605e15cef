"""What an evaluation gives, and the short one that ends a training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aezoo.config.run import RunConfig
from aezoo.evaluation.choosing import named_metrics, named_spaces
from aezoo.evaluation.measuring import Evaluation, Result
from aezoo.evaluation.names import PLAIN
from aezoo.evaluation.protocol import CheckpointRule, Protocol
from aezoo.evaluation.sets import Sets, default_rows
from aezoo.evaluation.table import text_table
from aezoo.evaluation.warnings import warnings_of
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data
from aezoo.rundir.versions import versions

QUICK_ROWS = 1000  # at most, in the short evaluation


@dataclass(frozen=True)
class Evaluated:
    """The numbers of a run.

    results:   each with its whole protocol
    warnings:  where training seems to have gone wrong, in words
    seconds:   that measuring took
    """

    results: tuple[Result, ...]
    warnings: tuple[str, ...]
    seconds: float

    def value(self, metric: str, of: str = "generation") -> float | None:
        """One number, by the metric's name and what it was taken of; None where there is no such number.

        Raises:  KeyError when it was not measured
        """
        for result in self.results:
            if (result.metric, result.of) == (metric, of):
                return result.value
        raise KeyError(f"{metric} of {of}")

    def rows(self) -> list[dict[str, Any]]:
        """The results as they stand in results.json."""
        return [result.as_row() for result in self.results]

    def table(self) -> str:
        """The results as text."""
        return text_table(self.rows())


def quick_evaluation(model: Autoencoder, config: RunConfig, data: Data) -> Evaluated:
    """The metrics that are quick, on at most 1,000 rows."""
    begun = time.perf_counter()
    sets = Sets(model, data, n=min(QUICK_ROWS, default_rows(data)))
    spaces = named_spaces((), config, data, model.device)
    evaluation = Evaluation(sets, spaces, shared_protocol(config, sets))
    results = evaluation.measure([named for named in named_metrics() if named.metric.quick], PLAIN)
    return conclude(evaluation, results, begun)


def conclude(evaluation: Evaluation, results: Sequence[Result], begun: float) -> Evaluated:
    """The outcome of an evaluation begun at that time of `time.perf_counter`."""
    warnings = warnings_of(results, evaluation)
    return Evaluated(tuple(results), tuple(warnings), time.perf_counter() - begun)


def shared_protocol(
    config: RunConfig, sets: Sets, checkpoint: CheckpointRule = "last", *, complete: bool = True
) -> Protocol:
    """What all numbers of one evaluation have in common.

    complete:  whether training is finished: only then an average over it takes the weights' place
    """
    averaged = bool(config.ema.decay) and checkpoint == "last" and complete
    return Protocol(
        dataset=sets.data.name,
        n_real=sets.n,
        n_fake=sets.n,
        checkpoint=checkpoint,
        weights="averaged" if averaged else "last",
        seed=sets.seed,
        versions=versions(),
    )
