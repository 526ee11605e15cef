"""One training iteration as the parts see it: the minibatch, and forward passes computed once.

A pass is computed on first use, remembered, and forgotten when a phase moves a weight behind it. That
one rule covers stale values and freed graphs. It keeps a graph only if this phase, or a later one on the
same batch, moves a weight behind it; a pass without graph leaves BatchNorm's running statistics alone,
so they follow the passes that train.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from aezoo.parts.doors import take_codes, take_images, take_posterior
from aezoo.parts.held import behind
from aezoo.parts.interfaces import HasCodebook
from aezoo.parts.statistics import batch_norms, still_statistics
from aezoo.parts.types import Posterior
from aezoo.randomness import generator_for

if TYPE_CHECKING:
    from aezoo.parts.autoencoder import Autoencoder
    from aezoo.parts.interfaces import LatentPrior

T = TypeVar("T")
Ids = frozenset[int]


class Batches(Protocol):
    """Where minibatches come from; a pure function, so that resume needs no state."""

    def batch(self, draw: int, stream: int = 0) -> Tensor:
        """Minibatch number `draw`; another stream is independent of the first."""


@dataclass
class _Frame:
    """What is being computed: a phase (ids None: it may read anything) or a remembered pass."""

    key: str
    position: int
    ids: Ids | None = None
    generator: torch.Generator | None = None


@dataclass(frozen=True)
class _Pass:
    value: Any
    ids: Ids


def weight_ids(*parts: nn.Module) -> Ids:
    """Identities of all weights behind some parts: their own, and those of parts that they hold."""
    return frozenset(map(id, behind(*parts)[1]))


class Step:
    """What a phase's loss and a part's terms may look at.

    x:          images [B, *shape]
    posterior:  of x; `z` is its code [B, m]
    x_hat:      decoder(z)
    z_prior:    codes of the prior in force [B, m], on the encoder's grid;  x_prior: decoder(z_prior)
    partner:    a second, independent batch with `.x`, `.posterior` and `.z`
    model:      all parts; inside a fit, the module that is fitted, whose losses may read `x` alone
    number:     of the iteration, from 0
    generator:  for draws; seeded from (seed, number, position in the schedule, phase or pass)
    """

    def __init__(self, model: nn.Module, batches: Batches, *, seed: int, device: torch.device) -> None:
        self.model = cast("Autoencoder", model)
        self.number = 0
        self.device = device
        self.partner = Partner(self)
        self.notes: dict[str, list[Tensor]] = {}
        self._batches = batches
        self._seed = seed
        self._images: dict[int, Tensor] = {}
        self._passes: dict[str, _Pass] = {}
        self._draw = 0
        self._draw_position = 0
        self._moving: Ids = frozenset()  # weights that a phase moves before the next draw
        self._frames: list[_Frame] = []
        self._known: dict[tuple[int, ...], tuple[Ids, tuple[nn.Module, ...]]] = {}

    # -- what parts read ---------------------------------------------------------------------------

    @property
    def x(self) -> Tensor:
        return self.images(0)

    @property
    def posterior(self) -> Posterior:
        encoder = self.model.encoder
        return self.once("posterior", lambda: self.encode(self.x), encoder)

    @property
    def z(self) -> Tensor:
        return self.posterior.z

    @property
    def x_hat(self) -> Tensor:
        encoder, decoder = self.model.encoder, self.model.decoder
        return self.once("x_hat", lambda: self._decode(self.z), encoder, decoder)

    @property
    def z_prior(self) -> Tensor:
        prior = self.model.prior_in_force
        return self.once("z_prior", lambda: self._sample(prior), *self._behind_z_prior())

    @property
    def x_prior(self) -> Tensor:
        decoder = self.model.decoder
        return self.once("x_prior", lambda: self._decode(self.z_prior), *self._behind_z_prior(), decoder)

    @property
    def generator(self) -> torch.Generator:
        frame = self._frames[-1]
        if frame.generator is None:
            frame.generator = generator_for(self.device, self._seed, self.number, frame.position, frame.key)
        return frame.generator

    def once(self, key: str, compute: Callable[[], T], *parts: nn.Module) -> T:
        """A forward pass, remembered under `key`; `parts` are all parts whose weights lie behind it.

        What a part holds (`aezoo.parts.held`) counts as behind it and need not be named.

        Raises:  RuntimeError when an enclosing pass does not name a part behind this one, because its
                 own remembered value would silently outlive a move of that part's weights
        """
        ids, norms = self._behind(parts)
        self._check_enclosing(key, ids)
        known = self._passes.get(key)
        if known is not None:
            return known.value  # type: ignore[no-any-return]  # one key, one type
        keeps_graph = not ids.isdisjoint(self._moving)
        self._frames.append(_Frame(key, self._draw_position, ids))
        try:
            with torch.set_grad_enabled(keeps_graph), still_statistics(() if keeps_graph else norms):
                value = compute()
        finally:
            self._frames.pop()
        self._passes[key] = _Pass(value, ids)
        return value

    def note(self, name: str, value: Tensor) -> None:
        """A value to log beside the terms; it is no part of any loss."""
        self.notes.setdefault(f"{self._frames[0].key}/{name}", []).append(value.detach())

    def encode(self, x: Tensor) -> Posterior:
        """The posterior of a batch, with noise, in the pass at hand."""
        encoder = self.model.encoder
        return take_posterior(encoder(x, self.generator), encoder.forward, len(x), self.model.latent_dim)

    def _decode(self, z: Tensor) -> Tensor:
        decoder = self.model.decoder
        return take_images(decoder(z), decoder.forward, len(z), self.model.shape)

    def _sample(self, prior: LatentPrior) -> Tensor:
        n = len(self.x)
        z = take_codes(prior.sample(n, self.generator), prior.sample, n, self.model.latent_dim)
        return self.model.on_grid(z)

    def _behind_z_prior(self) -> list[nn.Module]:
        """The prior in force, and the encoder where its grid is the encoder's business."""
        model = self.model
        return [model.prior_in_force, *([model.encoder] if isinstance(model.encoder, HasCodebook) else [])]

    def images(self, stream: int) -> Tensor:
        if stream not in self._images:
            self._images[stream] = self._batches.batch(self._draw, stream)
        return self._images[stream]

    # -- what the trainer calls --------------------------------------------------------------------

    def begin(self, number: int) -> None:
        """Start an iteration with nothing remembered."""
        self.number = number
        self.notes = {}
        self._passes, self._images, self._frames = {}, {}, []

    def draw(self, position: int, batch: int | None) -> None:
        """A fresh minibatch of that number, or (None) fresh noise for the one at hand."""
        self._draw_position = position
        self._passes = {}
        if batch is not None:
            self._draw, self._images = batch, {}

    @contextmanager
    def in_phase(self, phase: str, position: int, moving: Ids = frozenset()) -> Iterator[None]:
        """While a phase is computed. `moving`: weights that it and later phases on the same draw move."""
        self._moving = moving
        self._frames.append(_Frame(phase, position))
        try:
            yield
        finally:
            self._frames.pop()

    def forget(self, moved: Ids) -> None:
        """Drop all passes with a moved weight behind them."""
        self._passes = {key: kept for key, kept in self._passes.items() if kept.ids.isdisjoint(moved)}

    def _behind(self, parts: tuple[nn.Module, ...]) -> tuple[Ids, tuple[nn.Module, ...]]:
        """Weights and BatchNorm layers of some parts; looked up once, parts do not change in training."""
        key = tuple(id(part) for part in parts)
        if key not in self._known:
            layers, weights = behind(*parts)
            self._known[key] = frozenset(map(id, weights)), batch_norms(*layers)
        return self._known[key]

    def _check_enclosing(self, key: str, ids: Ids) -> None:
        for frame in self._frames:
            if frame.ids is not None and not ids <= frame.ids:
                raise RuntimeError(
                    f"the pass '{frame.key}' reads '{key}' but does not name every part behind it; "
                    f"name them in step.once('{frame.key}', compute, *parts)"
                )


class Partner:
    """A second batch, independent of the first, encoded by the same encoder."""

    def __init__(self, step: Step) -> None:
        self._step = step

    @property
    def x(self) -> Tensor:
        return self._step.images(1)

    @property
    def posterior(self) -> Posterior:
        step = self._step
        encoder = step.model.encoder
        return step.once("partner", lambda: step.encode(self.x), encoder)

    @property
    def z(self) -> Tensor:
        return self.posterior.z
