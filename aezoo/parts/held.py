"""What lies behind a part: its own layers, and those of other parts that it holds without owning them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import ReferenceType

from torch import nn

Held = nn.Module | nn.Parameter


def behind(*parts: Held) -> tuple[list[nn.Module], list[nn.Parameter]]:
    """All layers and weights that a pass through some parts may read.

    A part holds what it keeps beside its own submodules: as itself, in a tuple, list, set or table, or behind
    a weak reference, as `self._held = (encoder,)`.
    """
    layers: dict[int, nn.Module] = {}
    weights: dict[int, nn.Parameter] = {}
    waiting = list(parts)
    while waiting:
        item = waiting.pop()
        if isinstance(item, nn.Parameter):
            weights[id(item)] = item
            continue
        for layer in item.modules():
            if id(layer) not in layers:
                layers[id(layer)] = layer
                weights |= {id(weight): weight for weight in layer.parameters(recurse=False)}
                waiting += _held(layer.__dict__.values())
    return list(layers.values()), list(weights.values())


def _held(values: Iterable[Any]) -> Iterator[Held]:
    for value in values:
        if isinstance(value, Held):
            yield value
        elif isinstance(value, Mapping):
            yield from _held(value.values())
        elif isinstance(value, tuple | list | set | frozenset):
            yield from _held(value)
        elif isinstance(value, ReferenceType):
            yield from _held((value(),))
