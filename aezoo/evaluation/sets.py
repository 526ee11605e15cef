"""The sets of rows that a run is measured by, as files would hold them: 8 bits a pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import final

import torch
from torch import Tensor

from aezoo.data.memory import CHUNK, gather
from aezoo.errors import AezooError, ConfigError
from aezoo.evaluation.names import GAUSSIAN
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data, Split
from aezoo.randomness import generator_for

Keep = Callable[[Tensor], Tensor]

COLUMNS = ("tr-tr", "gen-tr", "te-tr", "tr-te", "gen-te")
"""Between which sets nearest rows are sought: each row of the first has its own in the second."""
FITTED_TO = (2_000, 10_000)  # fewest and most training rows behind mean and Gaussian, between them 2 n
PASS = 1024  # rows, or columns, at a time where there are many


@final
class Sets:
    """Each set is made when it is first asked for, from the model and its data alone.

    n:     rows of the test split, and of every set held against it
    seed:  of the choice of rows and of everything drawn

    Raises:  ConfigError for more rows than the data have, fewer than 2, and a seed outside [0, 2^32)
    """

    def __init__(self, model: Autoencoder, data: Data, *, n: int | None = None, seed: int = 0) -> None:
        self.model, self.data, self.seed = model, data, seed
        self.n = default_rows(data) if n is None else n
        self._made: dict[str, Tensor] = {}
        check_rows(data, self.n)
        if not 0 <= seed < 2**32:
            raise ConfigError(f"the seed is {seed}", where="--seed", fix="give a whole number, 0 to 2^32 - 1")
        if self.n < 2:
            raise ConfigError(f"{self.n} rows are no set", where="-n", fix="ask for 2 or more")

    @property
    def pairs(self) -> int:
        """Rows of each of the two disjoint sets of training rows: n, or half of what there is."""
        return min(self.n, len(self.data.train) // 2)

    def rows(self, name: str) -> Tensor:
        """A set [n, *shape] on the CPU: uint8 for images, float32 as they are for vectors.

        name:  one of LABELS, `test`, or `train-1` and `train-2` [pairs, *shape], which share no row
        """
        if name not in self._made:
            self._made[name] = self._makers()[name]()
        return self._made[name]

    def all_training(self) -> Iterator[Tensor]:
        """Every row of the training split, some at a time, in the form that `rows` has them in."""
        for values in self.data.train.values.split(PASS):
            yield self._keep(self.data.x(values))

    def x_parts(self) -> Iterator[Tensor]:
        """The chosen test rows as the model sees them, some at a time."""
        for some in self.test_places.split(CHUNK):
            yield self.data.x(_read(self.data.test, some))

    def x_test(self) -> Tensor:
        """All of them at once."""
        return self.data.x(_read(self.data.test, self.test_places))

    @property
    def test_places(self) -> Tensor:
        """Numbers of the chosen rows of the test split."""
        return _choose(len(self.data.test), self.n, self.seed, "test")

    def training_places(self, n: int | None = None) -> Tensor:
        """Numbers of n training rows, without n of all: at random, as files often lie class by class."""
        rows = len(self.data.train)
        return _choose(rows, min(n or rows, rows), self.seed, "codes")

    def labels(self) -> Tensor | None:
        """Classes of the chosen test rows, where there are any."""
        found = self.data.test.labels
        return None if found is None else found[self.test_places]

    def _makers(self) -> dict[str, Callable[[], Tensor]]:
        return {
            "test": lambda: torch.cat([self._keep(x) for x in self.x_parts()]),
            "train-1": lambda: self._train(0, self.pairs),
            "train-2": lambda: self._train(self.pairs, 2 * self.pairs),
            "floor": lambda: self._train(0, self.n),
            "reconstruction": lambda: self._reconstruct(self._keep),
            "generation": lambda: self._generate(self._keep),
            "stretched-reconstruction": lambda: self._reconstruct(stretch),
            "stretched-generation": lambda: self._generate(stretch),
            "mean": lambda: self._keep(self.mean_row()[None]).expand(self.n, *self.data.shape),
            GAUSSIAN: self._gaussian,
        }

    def mean_row(self) -> Tensor:
        """The mean x of training rows [*shape]."""
        places, total = self._fitting(), torch.zeros(self.data.shape, dtype=torch.float64)
        for some in places.split(CHUNK):
            total += self.data.x(_read(self.data.train, some)).double().sum(0)
        return (total / len(places)).float()

    def _fitting(self) -> Tensor:
        """Numbers of the training rows behind mean and Gaussian: enough, and no pass over them all."""
        fewest, most = FITTED_TO
        return _permute(len(self.data.train), self.seed, "fitting")[: min(most, max(fewest, 2 * self.n))]

    def _train(self, first: int, last: int) -> Tensor:
        places = _permute(len(self.data.train), self.seed, "train")[first:last]
        parts = (self.data.x(_read(self.data.train, some)) for some in places.split(CHUNK))
        return torch.cat([self._keep(x) for x in parts])

    def _reconstruct(self, keep: Keep) -> Tensor:
        device = self.model.device
        parts = (self.model.reconstruct(x.to(device)).cpu() for x in self.x_parts())
        return _gather(parts, keep, "reconstructions")

    def _generate(self, keep: Keep) -> Tensor:
        codes = self.model.sample_codes(
            self.n, generator_for(self.model.device, self.seed, "evaluation", "generation")
        )
        parts = (self.model.decode(z).cpu() for z in codes.split(CHUNK))
        return _gather(parts, keep, "generated rows")

    def _gaussian(self) -> Tensor:
        """Mixing centred rows with normal weights draws from their covariance without computing it."""
        rows = _read(self.data.train, self._fitting()).flatten(1)
        generator = generator_for("cpu", self.seed, "evaluation", GAUSSIAN)
        weights = torch.randn(self.n, len(rows), generator=generator).div_(max(len(rows) - 1, 1) ** 0.5)
        drawn = []
        for columns in rows.split(PASS, dim=1):  # never all of them as floats
            x = self.data.x(columns)
            mean = x.mean(0)
            drawn.append(self._keep((weights @ (x - mean)).add_(mean)))
        found: Tensor = torch.cat(drawn, 1).unflatten(1, self.data.shape)
        return found

    def _keep(self, x: Tensor) -> Tensor:
        if not self.data.is_image:
            return x
        return torch.cat([as_bytes(some, self.data.range) for some in x.split(PASS)])


def check_rows(data: Data, n: int) -> None:
    """Raises:  ConfigError for more rows than the dataset has"""
    most = min(len(data.test), len(data.train))
    if n > most:
        raise ConfigError(
            f"{n} rows are asked for, and {data.name} has {len(data.test)} test rows and "
            f"{len(data.train)} training rows",
            where="-n",
            fix=f"ask for at most {most}",
        )


def default_rows(data: Data) -> int:
    """min(10000, test rows, training rows): the papers' count where there are as many."""
    return min(10_000, len(data.test), len(data.train))


def as_bytes(x: Tensor, range: tuple[float, float] | None) -> Tensor:
    """Images as a file would hold them: cut to the range and rounded to 8 bits, uint8."""
    low, high = range or (0.0, 1.0)
    return ((x - low) / (high - low)).clamp(0, 1).mul(255).round().to(torch.uint8)


def stretch(x: Tensor) -> Tensor:
    """Each row's smallest value to 0 and its largest to 1; a row of one value becomes 0. Float32."""
    flat = x.flatten(1)
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    return ((flat - low) / (high - low).clamp(min=1e-12)).reshape(x.shape)


def _permute(rows: int, seed: int, of: str) -> Tensor:
    return torch.randperm(rows, generator=generator_for("cpu", seed, "evaluation", of))


def _choose(rows: int, n: int, seed: int, of: str) -> Tensor:
    """Numbers of n rows, ascending; all of them where n is all."""
    return torch.arange(rows) if n == rows else _permute(rows, seed, of)[:n].sort().values


def _read(split: Split, places: Tensor) -> Tensor:
    if isinstance(split.values, Tensor):
        return split.values[places]
    if len(places) == len(split):  # all rows: read in order, one pass
        return gather(split.values)[places]
    return torch.cat([split.values[some] for some in places.split(CHUNK)])


def _gather(parts: Iterable[Tensor], keep: Keep, what: str) -> Tensor:
    """All parts as they are kept, converted one by one: floats of a whole set need four times as much.

    Raises:  AezooError for rows that hold NaN or infinity, with how many
    """
    kept, wrong = [], 0
    for x in parts:
        wrong += int((~torch.isfinite(x.flatten(1)).all(1)).sum())
        kept.append(keep(x))
    found = torch.cat(kept)
    if wrong:
        raise AezooError(
            f"{wrong} of {len(found)} {what} hold values that are no finite number",
            fix="the training diverged, or the decoder is not made for such codes: train anew",
        )
    return found
