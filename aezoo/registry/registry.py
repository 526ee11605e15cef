"""Name -> part, through installed plugins. Torch-free; knows no part by name.

A plugin is whatever an entry point of group `aezoo` points at. Each is loaded by itself: one that breaks
becomes a FAILED record with its reason, and the rest go on. From the environment:

    AEZOO_DISABLE_PLUGINS=a,b   leave these out, by entry point or distribution; they are not imported
    AEZOO_LOAD_PLUGINS=a,b      of third parties, only these; empty for none
    AEZOO_STRICT_PLUGINS=1      a failure is raised, with its traceback
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module, metadata, resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any, Literal

import pluggy
from pydantic import ValidationError

from aezoo import __version__
from aezoo.errors import (
    AezooError,
    ConfigError,
    MissingError,
    did_you_mean,
    nearest,
    output_to_stderr,
    print_warning,
)
from aezoo.registry import catalogue, hookspecs
from aezoo.registry.catalogue import KINDS, ComponentInfo

if TYPE_CHECKING:
    import typer

GROUP = "aezoo"
FIRST_PARTY = "aezoo"  # the distribution


@dataclass(frozen=True)
class PluginRecord:
    """What became of one plugin.

    name:        of its entry point
    module:      what the entry point names
    alias:       another name that its targets have for the module
    sha256:      of the file, where it is a file of its own
    reason:      why it is disabled or FAILED
    components:  what it brings; of one that FAILED, what it would have brought, as far as known
    """

    name: str
    distribution: str
    version: str
    module: str
    alias: str = ""
    sha256: str = ""
    status: Literal["ok", "disabled", "FAILED"] = "ok"
    reason: str = ""
    components: tuple[ComponentInfo, ...] = ()

    @property
    def origin(self) -> str:
        return f"{self.distribution} {self.version}".strip()

    @property
    def key(self) -> str:
        return f"{self.distribution}:{self.name}"


@dataclass
class _Registry:
    manager: pluggy.PluginManager
    records: list[PluginRecord] = field(default_factory=list)
    allowed: set[str] = field(default_factory=set)

    def components(self) -> list[ComponentInfo]:
        return [info for record in self.records if record.status == "ok" for info in record.components]


_loaded: _Registry | None = None


# --- asking


def plugins() -> list[PluginRecord]:
    """Every plugin found, loaded or not; first parties first."""
    return list(_registry().records)


def caveat_of(extractor: str) -> str:
    """What stands beside the numbers of an extractor; nothing for one that is not installed here."""
    return next((info.caveat for info in list_components("extractor") if info.name == extractor), "")


def list_components(kind: str | None = None) -> list[ComponentInfo]:
    """The parts that can be used, all or of one kind.

    Raises:  ConfigError for a kind that does not exist
    """
    if kind is not None:
        _check_kind(kind)
    order = {known: place for place, known in enumerate(KINDS)}
    found = [info for info in _registry().components() if kind in (None, info.kind)]
    return sorted(found, key=lambda info: order[info.kind])  # stable: within a kind, as registered


def find(kind: str, name: str, where: str = "") -> ComponentInfo:
    """The part of that kind and name; for a regularizer, a divergence will do.

    name:    NAME, or DISTRIBUTION:NAME; a bare name that aezoo itself gives is aezoo's own
    where:   the key or option the name was written in, for the message

    Raises:  ConfigError for an unknown kind or name, with the nearest known one; for a bare name that two
             distributions give
             MissingError when a plugin that is absent, disabled or broken brings it
    """
    _check_kind(kind, where)
    found = _matches(kind, name)
    if len(found) > 1 and found[0][0].distribution != FIRST_PARTY:
        raise _ambiguous(kind, name, where, found)
    if found:
        return found[0][1]
    parts = [info for info in list_components() if info.kind in _kinds(kind)]
    known = [*(info.name for info in parts), *map(full_name_of, parts)]
    raise _absent(kind, name, where) or _unknown(kind, name, where, known)


def owner(kind: str, name: str) -> PluginRecord | None:
    """The plugin that brings a part, if any does."""
    found = _matches(kind, name)
    return found[0][0] if found else None


def brings(kind: str, name: str) -> bool:
    """Whether some plugin brings a part of that name: NAME, or DISTRIBUTION:NAME."""
    return bool(_matches(kind, name))


def full_name(kind: str, name: str) -> str:
    """A part's name as runs record it: DISTRIBUTION:NAME, but for aezoo's own; others stay as they are."""
    found = _matches(kind, name)
    clear = len(found) == 1 or (found and found[0][0].distribution == FIRST_PARTY)
    return full_name_of(found[0][1]) if clear else name


def full_name_of(info: ComponentInfo) -> str:
    """The same of a part that is known."""
    return info.name if info.distribution in ("", FIRST_PARTY) else f"{info.distribution}:{info.name}"


def clear_name_of(info: ComponentInfo) -> str:
    """What to type for it: with its distribution where another has a part of that kind and name."""
    return full_name_of(info) if len(_matches(info.kind, info.name)) > 1 else info.name


def typed_name(kind: str, name: str, where: str = "") -> str:
    """`full_name` of a name that a user wrote, who may mean any distribution's part.

    Raises:  ConfigError for a bare name that two distributions give, aezoo itself or not
    """
    found = _matches(kind, name)
    if len(found) > 1:
        raise _ambiguous(kind, name, where, found)
    return full_name(kind, name)


def bare_name(kind: str, name: str) -> str:
    """A part's name without its distribution."""
    found = _matches(kind, name)
    return found[0][1].name if found else name


def _matches(kind: str, name: str) -> list[tuple[PluginRecord, ComponentInfo]]:
    """Every part that a name may mean, each with its plugin; first parties first."""
    distribution, _, bare = name.rpartition(":")
    return [
        (record, info)
        for record in _registry().records
        if record.status == "ok"
        and (not distribution or canonical(record.distribution) == canonical(distribution))
        for info in record.components
        if info.kind in _kinds(kind) and info.name == bare
    ]


def default(kind: str) -> ComponentInfo:
    """The part used for a kind when nothing is named.

    Raises:  ConfigError when the kind has none
    """
    _check_kind(kind)
    for info in _registry().components():  # first parties come first: nobody else takes their place
        if info.kind == kind and info.default:
            return info
    raise ConfigError(
        f"no {kind} is named, and none is used by default",
        where=kind,
        fix=f"name one; `aezoo list {kind}` shows them",
    )


# --- importing, on use


def load_target(info: ComponentInfo) -> Any:
    """The class or function a part's target names.

    Raises:  MissingError when its module, or something that imports, is not installed
    """
    module, _, attribute = info.target.partition(":")
    try:
        with output_to_stderr():
            found = import_module(module)
    except ImportError as err:
        raise MissingError(
            f"{info.kind} '{info.name}' cannot be imported: {err}",
            where=f"{info.target}, from {info.plugin or 'an unknown plugin'}",
            fix="install what it needs; `aezoo doctor` looks at this installation",
        ) from err
    except Exception as err:  # somebody else's module may raise anything
        raise AezooError(
            f"{info.kind} '{info.name}' breaks while it is imported: {type(err).__name__}: {err}",
            where=f"{info.target}, from {info.plugin or 'an unknown plugin'}",
            fix="mend the module, or report it to the plugin's authors",
        ) from err
    if not hasattr(found, attribute):
        raise AezooError(
            f"{info.kind} '{info.name}' is not where its plugin says: {module} has no '{attribute}'",
            where=f"{info.target}, from {info.plugin or 'an unknown plugin'}",
            fix="report it to the plugin's authors",
        )
    return getattr(found, attribute)


def recipe_file(info: ComponentInfo, where: str = "") -> Traversable:
    """The TOML file of a recipe or an experiment, to read; it may lie inside an archive.

    Raises:  MissingError when the file is not there
    """
    package, _, path = info.target.partition(":")
    missing = MissingError(
        f"the file of {info.kind} '{info.name}' is not there: {path} in package {package}",
        where=where,
        fix=f"reinstall {info.plugin or package}",
    )
    try:
        found = resources.files(package).joinpath(path)
    except (ImportError, TypeError) as err:  # no such package, or a plain module
        raise missing from err
    if not found.is_file():
        raise missing
    return found


def beside(info: ComponentInfo, path: str) -> ComponentInfo:
    """The row of a recipe or an experiment for another file of its package, at a path seen from its own."""
    package, _, own = info.target.partition(":")
    target = f"{package}:{posixpath.normpath(posixpath.join(posixpath.dirname(own), path))}"
    return info.model_copy(update={"name": target, "target": target})


# --- registering


def register(
    plugin: object, name: str = "", *, module: str = "", alias: str = "", sha256: str = ""
) -> PluginRecord:
    """Take a module, or an object with hooks, as a plugin for the rest of this process.

    module:  what it is imported as, where that is not its name
    alias:   what its targets may call that module
    sha256:  of its file, where it is one

    Raises:  ConfigError when it cannot be taken; whoever asked wants to know
    """
    label = name or getattr(plugin, "__name__", type(plugin).__name__)
    record = PluginRecord(label, label, "", module=module or label, alias=alias, sha256=sha256)
    try:
        record = _admit(_registry(), record, plugin)
    except (Exception, SystemExit) as err:
        raise ConfigError(
            f"plugin '{label}' cannot be used: {_reason(err)}", where=label, fix="mend it, or leave it out"
        ) from err
    _registry().records.append(record)
    return record


def withdraw(name: str) -> None:
    """Forget a plugin taken by `register`, if there is one of that name."""
    registry = _registry()
    for record in [record for record in registry.records if record.name == name and not record.version]:
        registry.manager.unregister(name=record.key)
        registry.records.remove(record)


def allow(code: Iterable[str]) -> None:
    """Let code that no plugin brings be executed for the rest of this process: see `registry.trust`."""
    _registry().allowed.update(code)


def allowed() -> frozenset[str]:
    """What `allow` was told."""
    return frozenset(_registry().allowed)


def add_commands(app: typer.Typer) -> None:
    """Let every plugin add its commands. One that breaks becomes FAILED."""
    registry = _registry()
    for place, record in enumerate(registry.records):
        plugin = registry.manager.get_plugin(record.key)
        if record.status != "ok" or not hasattr(plugin, "aezoo_commands"):
            continue
        others = [other for other in registry.manager.get_plugins() if other is not plugin]
        try:
            registry.manager.subset_hook_caller("aezoo_commands", others)(app=app)
        except Exception as err:
            registry.records[place] = _failure(record, err)


@contextmanager
def isolate() -> Iterator[None]:
    """A registry of its own, read afresh from what is installed, and forgotten at the end. For tests."""
    global _loaded
    kept, _loaded = _loaded, None
    try:
        yield
    finally:
        _loaded = kept


# --- loading


def _registry() -> _Registry:
    global _loaded
    if _loaded is None:
        _loaded = _load(metadata.entry_points(group=GROUP))
    return _loaded


def _load(entries: Iterable[metadata.EntryPoint]) -> _Registry:
    registry = _Registry(_manager())
    found = [(_record(entry), entry) for entry in entries]
    for record, entry in sorted(found, key=lambda one: _precedence(one[0])):
        registry.records.append(_load_one(registry, record, entry))
    return registry


def _record(entry: metadata.EntryPoint) -> PluginRecord:
    name, version = _read(entry.dist) if entry.dist else (entry.name, "")
    return PluginRecord(entry.name, name, version, entry.value)


@cache
def _read(distribution: metadata.Distribution) -> tuple[str, str]:
    """Name and version; their file is long, and each entry point of the distribution would parse it."""
    said = distribution.metadata
    return canonical(said["Name"]), said["Version"]


def _load_one(registry: _Registry, record: PluginRecord, entry: metadata.EntryPoint) -> PluginRecord:
    reason = _unwanted_because(record)
    if reason:  # asked before the import: a disabled plugin must not run
        return replace(record, status="disabled", reason=reason)
    try:
        with output_to_stderr():
            plugin = entry.load()
        return _admit(registry, record, plugin)
    except (Exception, SystemExit) as err:  # a plugin's top level may raise anything
        return _failure(record, err)


def _failure(record: PluginRecord, err: BaseException) -> PluginRecord:
    if os.environ.get("AEZOO_STRICT_PLUGINS") == "1":
        raise err
    brought = err.components if isinstance(err, Refused) else ()
    return replace(record, status="FAILED", reason=_reason(err), components=brought)


def _reason(err: BaseException) -> str:
    """Why a plugin is not taken, on one line."""
    if isinstance(err, Refused):
        return str(err)
    if isinstance(err, ValidationError):  # of a row: pydantic's own text has four lines and a link
        return f"a row of {err.title} has {'; '.join(map(_row_fault, err.errors()))}"
    return f"{type(err).__name__}: {err}"


def _row_fault(error: Any) -> str:
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"the unknown key '{key}'"
    return f"{key} {error['input']!r}: {error['msg']}"


class Refused(Exception):
    """A plugin that loads and yet cannot be taken, for a reason to be told as it is."""

    def __init__(self, what: str, components: tuple[ComponentInfo, ...] = ()) -> None:
        super().__init__(what)
        self.components = components


def _admit(registry: _Registry, record: PluginRecord, plugin: Any) -> PluginRecord:
    """Check a plugin on its own, then let it in."""
    _check_api(plugin)
    probe = _manager()
    probe.register(plugin)
    _check_hooks(probe)
    if not probe.get_hookcallers(plugin):
        raise Refused("it answers no hook of aezoo")
    components = tuple(_stamp(info, record) for info in _rows(plugin, probe))
    _refuse_taken(registry, record, components)
    registry.manager.register(plugin, record.key)
    return replace(record, components=components)


def _rows(plugin: Any, probe: pluggy.PluginManager) -> Iterable[Any]:
    """What its hook answers; pluggy leaves a None out, which would be a plugin without parts in silence."""
    if not hasattr(plugin, "aezoo_components"):
        return ()
    with output_to_stderr():
        answers = probe.hook.aezoo_components()
    if not answers or not isinstance(answers[0], Iterable):
        said = type(answers[0]).__name__ if answers else "nothing"
        raise Refused(f"its aezoo_components gives {said}; return a list of ComponentInfo")
    return answers[0]


def _check_hooks(probe: pluggy.PluginManager) -> None:
    """Refuse a hook that does not exist: it would register in silence, and never be called."""
    try:
        probe.check_pending()
    except pluggy.PluginValidationError as err:
        found = re.search(r"unknown hook '(\w+)'", str(err))
        close = nearest(found[1], _hooks()) if found else None
        if found is None or close is None:
            raise
        raise Refused(f"unknown hook '{found[1]}'; did you mean '{close}'?") from err


def _hooks() -> list[str]:
    return [name for name in vars(hookspecs) if name.startswith("aezoo_")]


def _check_api(plugin: Any) -> None:
    """Refuse a plugin made for hooks that are newer than these."""
    needed = getattr(plugin, "aezoo_api", hookspecs.API)
    if not isinstance(needed, int):
        raise Refused(f"aezoo_api is {needed!r}, and must be a whole number such as {hookspecs.API}")
    if needed > hookspecs.API:
        raise Refused(
            f"it needs API {needed} of aezoo, and this is aezoo {__version__} with API {hookspecs.API}: "
            "pip install --upgrade aezoo"
        )


def _stamp(info: ComponentInfo, record: PluginRecord) -> ComponentInfo:
    if not isinstance(info, ComponentInfo):
        raise TypeError(f"aezoo_components must give ComponentInfo, and gave {info!r}")
    if info.config:
        print_warning(f"config= of {info.kind} '{info.name}' is not read: its constructor states settings")
    whose = {"plugin": record.origin, "distribution": record.distribution}
    return info.model_copy(update={"target": _unalias(info.target, record), **whose})


def _unalias(target: str, record: PluginRecord) -> str:
    module, colon, attribute = target.partition(":")
    return f"{record.module}{colon}{attribute}" if colon and module == record.alias else target


def _refuse_taken(registry: _Registry, record: PluginRecord, components: tuple[ComponentInfo, ...]) -> None:
    """Of one distribution, two parts cannot have one name: nothing would tell them apart."""
    owners = {
        _place(info): info.plugin
        for other in registry.records
        if other.status == "ok" and other.distribution == record.distribution
        for info in other.components
    }
    for info in components:
        if _place(info) in owners:
            raise Refused(
                f"duplicate: {info.kind} '{info.name}' of {record.origin} is already in "
                f"{owners[_place(info)]}",
                components,
            )
        owners[_place(info)] = info.plugin


def _place(info: ComponentInfo) -> tuple[str, str]:
    return ("regularizer" if info.kind == "divergence" else info.kind, info.name)  # one space of names


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _precedence(record: PluginRecord) -> tuple[bool, str, str]:
    return (record.distribution != FIRST_PARTY, record.distribution, record.name)


def _unwanted_because(record: PluginRecord) -> str:
    """Why the environment leaves a plugin out; empty when it does not."""
    names = {canonical(record.name), canonical(record.distribution)}
    if names & _names_in("AEZOO_DISABLE_PLUGINS"):
        return "named in AEZOO_DISABLE_PLUGINS"
    limited = "AEZOO_LOAD_PLUGINS" in os.environ and record.distribution != FIRST_PARTY
    if limited and not names & _names_in("AEZOO_LOAD_PLUGINS"):
        return "not named in AEZOO_LOAD_PLUGINS"
    return ""


def _names_in(variable: str) -> set[str]:
    return {canonical(name) for name in os.environ.get(variable, "").split(",") if name.strip()}


def canonical(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


# --- what to say about a name that is not there


def _check_kind(kind: str, where: str = "") -> None:
    if kind in KINDS:
        return
    raise ConfigError(
        f"there is no kind of part called '{kind}'",
        where=where,
        fix=did_you_mean(kind, KINDS) + f"kinds are {', '.join(KINDS)}",
    )


def _kinds(kind: str) -> tuple[str, ...]:
    """Where a name is looked for: divergences are regularizers too."""
    return ("regularizer", "divergence") if kind == "regularizer" else (kind,)


def _ambiguous(
    kind: str, name: str, where: str, found: Iterable[tuple[PluginRecord, ComponentInfo]]
) -> ConfigError:
    ways = [(record.origin, f"'{record.distribution}:{info.name}'") for record, info in found]
    return ConfigError(
        f"{kind} '{name}' is in {' and in '.join(origin for origin, _ in ways)}",
        where=where,
        fix=f"say which: {' or '.join(way for _, way in ways)}",
    )


def _unknown(kind: str, name: str, where: str, known: Iterable[str]) -> ConfigError:
    hint = did_you_mean(name, known)
    other = '; a class of your own is "module:Class"' if ":" in name else ""
    return ConfigError(
        f"no {kind} is called '{name}'",
        where=where,
        fix=f"{hint}`aezoo list {kind}` shows them all{other}{failures()}",
    )


def failures() -> str:
    """The end of a remedy where a name is not known: plugins that may have had it; empty for none."""
    broken = [record.name for record in plugins() if record.status == "FAILED"]
    return f"; {', '.join(broken)} failed to load, `aezoo plugins` says why" if broken else ""


def _absent(kind: str, name: str, where: str) -> MissingError | None:
    """The error for a name that an absent plugin brings; None when nothing claims it."""
    distribution, _, bare = name.rpartition(":")
    of_it = [one for one in plugins() if canonical(distribution) in ("", canonical(one.distribution))]
    if not of_it:
        return MissingError(
            f"{kind} '{name}' is in {distribution}, which is not here",
            where=where,
            fix=f"load it: --plugin {distribution}"
            if distribution.endswith(".py")
            else f"pip install {distribution}",
        )
    for record in of_it:
        if record.status != "ok" and any(
            info.kind in _kinds(kind) and info.name == bare for info in _claims(record)
        ):
            return MissingError(
                f"{kind} '{name}' is in plugin {record.name} of {record.origin}, which is {record.status}",
                where=where,
                fix=f"`aezoo plugins` shows it; the reason: {record.reason}",
            )
    for external in catalogue.externals():
        if any(f"{one}/{name}" in external.provides for one in _kinds(kind)):
            return MissingError(
                f"{kind} '{name}' is in {external.install}, which is not installed",
                where=where,
                fix=f"pip install {external.install}",
            )
    return None


def _claims(record: PluginRecord) -> Iterable[ComponentInfo]:
    """What a plugin would bring: what it said, or what registry.toml says of its package."""
    return record.components or catalogue.rows(record.module)
