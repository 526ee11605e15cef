"""Whose the parts of a run are: distribution, version and code of each that is not aezoo's own. Torch-free.

A run records them under `[packages]`, as `"prior/my-priors:vamp" = "my-priors 2.5 sha256:8d969eef6ecad3c2"`;
of a one-file plugin the hash is that of the file. aezoo 0.1.0 wrote `"prior/vamp" = "my-priors 2.5"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from aezoo.config.run import PARTS, RunConfig
from aezoo.errors import AezooError, MissingError
from aezoo.registry import registry
from aezoo.registry.code import digest, short

CODE = " sha256:"


def packages(config: RunConfig) -> dict[str, str]:
    """What a run records: "kind/name" of each part that is not aezoo's own -> whose it is."""
    return origins(named_parts(config))


def origins(parts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The same of any parts, by kind and name."""
    return {
        f"{kind}/{registry.full_name(kind, name)}": found
        for kind, name in parts
        if (found := _origin(kind, name))
    }


def changes(recorded: Mapping[str, str]) -> list[str]:
    """What is another version or other code now than a record says, in words. The parts are here."""
    found = []
    for part, package in recorded.items():
        kind, name = _full_name(part, package)
        now = _origin(kind, name)
        if CODE not in package:
            now = now.partition(CODE)[0]
        if now != package:
            found.append(f"{kind} '{name}' was of {package}, and is of {now or 'an unknown package'} here")
    return found


def default_metrics() -> list[str]:
    """Names of the metrics that are used where none is named."""
    return [registry.full_name_of(info) for info in registry.list_components("metric") if info.default]


def measuring(metrics: Iterable[str], extractors: Iterable[str]) -> dict[str, str]:
    """As `origins`, of what a run is measured with."""
    return origins([*(("metric", name) for name in metrics), *(("extractor", name) for name in extractors)])


def used_files(config: RunConfig) -> set[str]:
    """Names of the one-file plugins that a run's parts come from."""
    return {part.partition("/")[2].partition(":")[0] for part in packages(config)}


def remedy(recorded: Mapping[str, str]) -> str:
    """How to get back what a record names."""
    released = {package.partition(CODE)[0].replace(" ", "==") for package in recorded.values()}
    return "pip install " + " ".join(sorted(one for one in released if "==" in one))


def check_there(recorded: Mapping[str, str], file: Path) -> None:
    """Every part of a record is here, or the error says which package brings it.

    Raises:  MissingError; also where only another distribution has a part of the name
    """
    for part, package in recorded.items():
        _check_part(*_full_name(part, package), package, file)


def _check_part(kind: str, name: str, package: str, file: Path) -> None:
    try:
        registry.find(kind, name)
        return
    except AezooError:
        distribution, _, bare = name.partition(":")
    released = package.partition(CODE)[0]
    what = f"{kind} '{bare}' is in {released}, which is"
    for record in registry.plugins():
        if record.distribution == distribution and record.reason:
            raise MissingError(
                f"{what} {record.status}",
                where=str(file),
                fix=f"`aezoo plugins` shows it; the reason: {record.reason}",
            )
        if record.distribution == distribution:
            raise MissingError(
                f"{what} here as {record.origin}, without it",
                where=str(file),
                fix=f"pip install {released.replace(' ', '==')}",
            )
    other = registry.owner(kind, bare)
    foreign = "" if other is None else f"; {kind} '{bare}' of {other.origin} is another part"
    raise MissingError(f"{what} not installed{foreign}", where=str(file), fix=f"pip install {distribution}")


def _full_name(part: str, package: str) -> tuple[str, str]:
    """Kind and full name of a recorded part, also as aezoo 0.1.0 wrote it."""
    kind, _, name = part.partition("/")
    return kind, name if ":" in name else f"{package.partition(' ')[0]}:{name}"


def _origin(kind: str, name: str) -> str:
    """Distribution, version and code of a part; empty for aezoo's own, and for what no plugin brings."""
    if not registry.brings(kind, name):
        return ""
    info, record = registry.find(kind, name), registry.owner(kind, name)
    if record is None or record.distribution == registry.FIRST_PARTY:
        return ""
    code = record.sha256 or digest(info.target.partition(":")[0])
    return f"{record.origin} {short(code)}" if code else record.origin


def named_parts(config: RunConfig) -> Iterable[tuple[str, str]]:
    """Kind and name of every part of a run."""
    for kind in PARTS:
        yield kind, getattr(config, kind).name
    during = config.prior.get("during")  # the prior in force until a fitted one is fitted
    if during and during != "none":
        yield "prior", during if isinstance(during, str) else during["name"]
    for part in config.regularizer.values():
        yield "regularizer", part.name
