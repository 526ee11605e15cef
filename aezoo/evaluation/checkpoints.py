"""Which of a run's weights are measured, where it is not simply the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from aezoo.errors import ConfigError
from aezoo.evaluation.measuring import Evaluation, Named, Result
from aezoo.evaluation.names import OWN
from aezoo.evaluation.sets import Sets
from aezoo.evaluation.space import Space
from aezoo.metrics import frechet_distance
from aezoo.parts.autoencoder import Autoencoder, load_state
from aezoo.parts.interfaces import FittedPrior
from aezoo.parts.measures import SetMetric
from aezoo.parts.types import Data
from aezoo.rundir.rundir import RunDir


def best_on_validation(
    run: RunDir, model: Autoencoder, data: Data, space: Space, *, n: int | None, seed: int
) -> int:
    """Load the kept checkpoint whose generated rows are nearest to the validation split; its step.

    Nearest is the lowest Frechet distance in that space; the test split is not looked at.

    Raises:  ConfigError without a validation split or checkpoints, or for a prior fitted after training
    """
    if data.validation is None:
        raise ConfigError(
            f"{data.name} was given no validation split to choose a checkpoint by",
            where="--checkpoint best-validation",
            fix="train with --set dataset.validation=ROWS, or take the last checkpoint",
        )
    rows = min(n or len(data.validation), len(data.validation))
    data = replace(data, test=data.validation)
    scores = {}
    for step in each_checkpoint(run, model):
        sets = Sets(model, data, n=rows, seed=seed)
        scores[step] = frechet_distance(
            space.features(sets.rows("generation")), space.features(sets.rows("test"))
        )
    best = min(scores, key=lambda step: scores[step])
    _load(run, model, best)
    return best


def lowest_on_test(run: RunDir, evaluation: Evaluation, metrics: Sequence[Named]) -> list[Result]:
    """Of each measure between sets the best value that any kept checkpoint reaches on the test split.

    That is how the FlexAE papers report: chosen on test data, separately for reconstruction and generation.

    Raises:  ConfigError without checkpoints, or for a prior fitted after training
    """
    between = [named for named in metrics if isinstance(named.metric, SetMetric)]
    best: dict[tuple[str, str], Result] = {}
    sets = evaluation.sets
    for _ in each_checkpoint(run, evaluation.model):
        fresh = Sets(evaluation.model, sets.data, n=sets.n, seed=sets.seed)
        for result in Evaluation(fresh, evaluation.spaces, evaluation.plain).measure(between, OWN):
            key = (result.metric, result.of)
            if result.value is not None and (key not in best or result.is_better(best[key])):
                best[key] = result
    return [
        replace(
            result,
            of=f"lowest-{result.of}",
            protocol=replace(result.protocol, checkpoint="min-over-checkpoints", weights="last"),
        )
        for result in best.values()
    ]


def each_checkpoint(run: RunDir, model: Autoencoder) -> Iterator[int]:
    """The steps of the kept checkpoints, oldest first; the model holds the one that was yielded last.

    In the end it holds what it held before.
    """
    if isinstance(model.prior, FittedPrior):
        raise ConfigError(
            "its prior is fitted after training, so that checkpoints before cannot generate",
            where="--checkpoint",
            fix="take the last checkpoint",
        )
    steps = run.steps()
    if not steps:
        raise ConfigError(
            f"{run.path} keeps no checkpoint",
            where="--checkpoint",
            fix="train with --set checkpoint.every=STEPS --set checkpoint.keep=COUNT",
        )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for step in steps:
        _load(run, model, step)
        yield step
    model.load_state_dict(before)


def _load(run: RunDir, model: Autoencoder, step: int) -> None:
    load_state(model, run.checkpoint_at(step).model)
    model.eval()
