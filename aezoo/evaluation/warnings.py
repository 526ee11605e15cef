"""Where a training seems to have gone wrong, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from aezoo.evaluation.measuring import Evaluation, Result
from aezoo.evaluation.names import (
    COLLAPSED,
    COPIES,
    DEAD_CODES,
    DEAD_UNITS,
    FAR,
    GAUSSIAN,
    LABELS,
    MEAN,
    MISSES,
    TOO_FEW,
    WORSE_GENERATION,
    WORSE_RECONSTRUCTION,
)
from aezoo.metrics import active_units, posterior_gap, sliced_wasserstein
from aezoo.parts.autoencoder import Autoencoder
from aezoo.randomness import generator_for

FARTHER = 10.0  # generation this many times farther from the test rows than reconstruction
WON = 5.0  # codes this many times farther from the prior than the prior from itself
DEAD = 0.5  # share of units that never respond
FEWEST = 100  # test rows, of which a share is known to 0.1 and an average to a tenth of its spread

Trivial = tuple[str, str, str, str]
TRIVIAL: tuple[Trivial, ...] = (
    (
        "reconstruction",
        MEAN,
        WORSE_RECONSTRUCTION,
        "the decoder has learned nothing yet: train longer, or change the learning rate",
    ),
    (
        "generation",
        GAUSSIAN,
        WORSE_GENERATION,
        "nothing is drawn that the pixels' covariance does not hold: train longer, or look for the cause in "
        "the other warnings; `aezoo list extractor` shows other spaces to compare in",
    ),
)
"""What was made, what nobody trained, the kind of the warning, what to try."""


def warnings_of(results: Sequence[Result], evaluation: Evaluation) -> Iterator[str]:
    """A sentence for each thing that looks wrong, with its numbers and what to try."""
    z = evaluation.codes("test").z
    yield from _unused_units(z)
    yield from _gap(evaluation)
    yield from _dead(evaluation)
    yield from _far(results)
    yield from _worse(results)
    yield from _copies(results)
    yield from _too_few(evaluation)


def _unused_units(z: Tensor) -> Iterator[str]:
    size, active = z.shape[1], int(active_units(z))
    if active == 0:
        yield (
            f"{COLLAPSED}: none of the {size} dimensions of the code changes with x, so that every "
            "reconstruction is the same; weaken the divergence (its weight), or strengthen the decoder's cost"
        )
    elif active < DEAD * size:
        yield (
            f"{DEAD_CODES}: {size - active} of the {size} dimensions of the code hardly change with x; "
            "a smaller --latent-dim or a weaker divergence uses them"
        )


def _gap(evaluation: Evaluation) -> Iterator[str]:
    """A critic that won, or a tie that is too weak: either way the prior draws what the decoder never saw."""
    model, seed, z = evaluation.model, evaluation.seed, evaluation.aggregated()
    first, second = (
        model.sample_codes(len(z), generator_for(model.device, seed, "warnings", place)).cpu()
        for place in (0, 1)
    )
    gap, floor = posterior_gap(z, first, second, sliced_wasserstein)
    if gap > WON * floor:
        times = f"{gap / floor:.1f} times what two sets of draws differ by" if floor else "all draws are one"
        yield (
            f"{MISSES}: they are {gap:.3g} apart, and {times}; the critic won, or the "
            "divergence is too weak: train longer, or raise the learning rate of the phase that answers the "
            "critic"
        )


def _dead(evaluation: Evaluation) -> Iterator[str]:
    for name, share in _silent(evaluation.model, evaluation.sets.x_parts()).items():
        if share > DEAD:
            yield (
                f"{DEAD_UNITS}: {share:.0%} of the {name}'s rectified units are 0 for every test row; "
                "a smaller learning rate keeps them alive"
            )


def _silent(model: Autoencoder, x: Iterable[Tensor]) -> dict[str, float]:
    """The share of units behind a ReLU that never respond, by part."""
    alive: dict[str, dict[str, Tensor]] = {"encoder": {}, "decoder": {}}
    with ExitStack() as hooks:
        for part, seen in alive.items():
            for name, layer in model.get_submodule(part).named_modules():
                if isinstance(layer, nn.ReLU):
                    hooks.callback(layer.register_forward_hook(_watch(seen, name)).remove)
        for rows in x:
            model.reconstruct(rows.to(model.device))
    units = {
        part: torch.cat([seen.flatten() for seen in found.values()]) for part, found in alive.items() if found
    }
    return {part: float((~seen).float().mean()) for part, seen in units.items()}


def _watch(seen: dict[str, Tensor], name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        responds = (output > 0).flatten(2).any(2).any(0) if output.dim() > 2 else (output > 0).any(0)
        place = f"{name} {len(responds)}"  # one ReLU may serve several layers
        seen[place] = seen[place] | responds if place in seen else responds

    return hook


def _far(results: Sequence[Result]) -> Iterator[str]:
    """Distances of both sets to the test rows, by the first measure that has them."""
    values = {(result.metric, result.of): result.value for result in results if result.better == "lower"}
    for metric in dict.fromkeys(metric for metric, of in values if of == "generation"):
        made, again = values[metric, "generation"], values.get((metric, "reconstruction"))
        if made is None or again is None:
            continue
        if (
            made > FARTHER * max(again, values.get((metric, "floor")) or 0.0) > 0
        ):  # below the floor nothing is told apart
            yield (
                f"{FAR}: {metric} {made:.4g} against {again:.4g}; "
                "the decoder can, but the prior misses the codes: train longer, or choose another prior"
            )
        return


def _worse(results: Sequence[Result]) -> Iterator[str]:
    """What a model made against what nobody trained, by the first measure that has both."""
    taken = {(one.metric, one.of): one for one in results if one.value is not None and one.better}
    for of, trivial, kind, fix in TRIVIAL:
        metrics = [metric for metric, one in taken if one == of and (metric, trivial) in taken]
        for metric in metrics[:1]:
            made, reference = taken[metric, of], taken[metric, trivial]
            if not made.is_better(reference):
                yield (
                    f"{kind}: {metric} {made.value:.4g} against {reference.value:.4g} of the "
                    f"{LABELS[trivial]}; {fix}"
                )


def _copies(results: Sequence[Result]) -> Iterator[str]:
    """Where copies were counted: more among generated rows than among test rows, surely."""
    found = {one.metric: one.value for one in results if one.of == "gen-tr" and one.value is not None}
    measures = ("near_copies", "excess_copies_low", "excess_copies_high")
    share, low, high = (found.get(name) for name in measures)
    if low is not None and high is not None and share is not None and low > 0:
        yield (
            f"{COPIES}: {share:.1%} of generated rows are a training row, to the bit or nearly; that is more "
            f"than among test rows, by {low:.1%} to {high:.1%} (95 % interval); fewer steps, a smaller code "
            "or more data help"
        )


def _too_few(evaluation: Evaluation) -> Iterator[str]:
    n = evaluation.sets.n
    if n < FEWEST:
        yield (
            f"{TOO_FEW}: {n} test rows, of which every number is a rough one; measure on {FEWEST} or more, "
            "and tell runs apart by several seeds"
        )
    for metric, (rows, features) in evaluation.short.items():
        yield (
            f"{TOO_FEW}: {metric} was taken of {rows} rows, which do not span its {features} features: it "
            "says more of the rows' number than of the model; measure more rows (-n), or with an extractor "
            "of fewer features"
        )
