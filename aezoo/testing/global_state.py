"""The random generators that libraries share, which no part draws from."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from aezoo.testing.rule import Fault


def without_global(compute: Callable[[], Any], seed: int = 0) -> Any:
    """A value, computed without touching any global generator.

    Raises:  Fault naming the library whose generator was used
    """
    with reseed(seed):
        before = states()
        value = compute()
        for library, state in states().items():
            if state != before[library]:
                raise Fault(f"it draws from the global generator of {library}")
    return value


@contextmanager
def reseed(seed: int = 0) -> Iterator[None]:
    """Global generators seeded otherwise than usual; put back at the end."""
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.set_rng_state(kept[2])


def states() -> dict[str, Any]:
    """The state of each library's generator, to be compared with `==`."""
    numpy: Any = np.random.get_state()
    keys = numpy[1].tolist()
    return {"torch": torch.get_rng_state().tolist(), "numpy": (keys, numpy[2:]), "random": random.getstate()}
