"""The order of phases within one iteration, written as one string.

    batch autoencoder 5*(batch latent_critic image_critic) smoothing prior encoder

`batch` draws images and noise, `noise` draws noise alone, `a+b` takes both gradients before either
steps, `n*(...)` repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from aezoo.errors import ConfigError, did_you_mean

_TOKEN = re.compile(r"\s*(?:(?P<repeat>\d+)\s*\*\s*\(|(?P<close>\))|(?P<name>[A-Za-z][\w.+-]*))")


@dataclass(frozen=True)
class Sampling:
    """A fresh minibatch with its noise, or fresh noise for the minibatch at hand."""

    what: Literal["batch", "noise"]


@dataclass(frozen=True)
class Group:
    """Phases whose gradients are all taken before any of them steps; mostly a single one."""

    phases: tuple[str, ...]


Entry = Sampling | Group


def parse(text: str, where: str = "train.schedule") -> tuple[Entry, ...]:
    """A schedule string, unrolled.

    >>> parse("batch critic+generator")
    (Sampling(what='batch'), Group(phases=('critic', 'generator')))

    Raises:  ConfigError for anything that is no schedule, and one that does not begin with `batch`
    """
    entries, position = _sequence(text, 0, 0, where)
    if position < len(text.rstrip()):
        raise ConfigError(
            f"the schedule has an unmatched ')' at character {position + 1}: {text!r}",
            where=where,
            fix="take it away, or open its bracket with n*(",
        )
    if not entries or entries[0] != Sampling("batch"):
        raise ConfigError(
            f"the schedule {text!r} does not begin with a batch",
            where=where,
            fix="begin it with 'batch', such as 'batch autoencoder'",
        )
    return tuple(entries)


def _sequence(text: str, position: int, depth: int, where: str) -> tuple[list[Entry], int]:
    """Entries from `position` up to the bracket that closes this level, and where they end."""
    entries: list[Entry] = []
    while position < len(text.rstrip()):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ConfigError(
                f"the schedule cannot be read from {text[position:].strip()!r} on",
                where=where,
                fix="it is made of batch, noise, phase names, a+b and n*(...)",
            )
        if token["close"]:
            return (entries, token.end()) if depth else (entries, token.start("close"))
        if token["repeat"]:
            inner, position = _sequence(text, token.end(), depth + 1, where)
            entries += inner * int(token["repeat"])
        else:
            entries.append(_entry(token["name"]))
            position = token.end()
    if depth:
        raise ConfigError(
            f"the schedule misses a ')': {text!r}", where=where, fix="close every bracket that n*( opens"
        )
    return entries, position


def _entry(word: str) -> Entry:
    if word == "batch":
        return Sampling("batch")
    if word == "noise":
        return Sampling("noise")
    return Group(tuple(word.split("+")))


def draws_in(schedule: str) -> int:
    """Minibatches that one iteration draws.

    >>> draws_in("batch autoencoder 5*(batch critic) encoder")
    6
    """
    return sum(entry == Sampling("batch") for entry in parse(schedule))


def check_names(entries: Sequence[Entry], phases: Iterable[str], where: str = "train.schedule") -> None:
    """Every name is a phase and every phase has its turn.

    Raises:  ConfigError that names the stranger, or the phase left out
    """
    known = list(phases)
    named = [name for entry in entries if isinstance(entry, Group) for name in entry.phases]
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(
                f"the schedule names '{name}', which is no phase of these parts",
                where=where,
                fix=f"{hint}the phases are {', '.join(known) or 'none'}",
            )
    idle = [name for name in known if name not in named]
    if idle:
        raise ConfigError(
            f"the schedule never runs {', '.join(idle)}",
            where=where,
            fix="give each phase its turn, or leave out the part it belongs to",
        )


def default_schedule(critics: Sequence[str], players: Sequence[str], critic_steps: int) -> str:
    """The autoencoder first, then the critics, each round on a fresh batch, then the other players.

    >>> default_schedule(["critic"], ["autoencoder", "encoder"], 5)
    'batch autoencoder 5*(batch critic) encoder'
    """
    first = [name for name in players if name == "autoencoder"]
    others = [name for name in players if name != "autoencoder"]
    words = ["batch", *first]
    if critics:
        rounds = f"{critic_steps}*(batch {' '.join(critics)})"
        words = [*words, rounds] if first else [rounds]  # each round draws its own batch
    return " ".join([*words, *others])
