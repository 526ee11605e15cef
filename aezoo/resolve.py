"""From what a user typed to a complete run: defaults, recipe, file, flags, --set. Later ones win."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any

from aezoo import __version__
from aezoo.config.base import Config
from aezoo.config.check import check, check_keys, settings_of, together
from aezoo.config.merge import Layers, Table, parse_set, settings_table
from aezoo.config.run import FORMAT, PARTS, FileOutline, Part, RunConfig
from aezoo.errors import ConfigError, MissingError, breaking_line, did_you_mean, output_to_stderr
from aezoo.registry import names, onefile, registry, trust
from aezoo.registry.catalogue import ComponentInfo
from aezoo.registry.packages import packages
from aezoo.registry.sources import sources

Origin = Callable[[str], str]
Parts = dict[str, Any]
"""Section -> `Part`; under `regularizer` a `Part` for each label."""
_NETWORKS = ("backbone", "decoder", "dataset")  # sections that leave the method what it is
_WRITTEN = (
    "format",
    "version",
    "id",
    "plugins",
    "packages",
    "x",
    "inherited",
)  # by the program, never by hand


def resolve(
    recipe: str | Path | None = None,
    *,
    flags: Mapping[str, Table] | None = None,
    sets: Sequence[str] = (),
    scale: str | None = None,
    given: Collection[str] = (),
    plugins: Sequence[str | Path] = (),
    trusted: bool = False,
) -> RunConfig:
    """A complete, checked run.

    recipe:  a recipe's name or a TOML file; none: the default recipe, unless flags choose a method
    flags:   option -> the table it stands for, such as {"--prior": {"prior": "normal"}}
    sets:    "key=value" texts; they have the last word
    scale:   `small` or `paper`: which of the recipe's settings
    given:   sections whose part is a finished module
    plugins: one-file plugins to load first
    trusted: whether code that a run's config.toml names may be executed

    Raises:  ConfigError for unknown names, keys and values; MissingError for parts not installed
    """
    flags = flags or {}
    files = onefile.load_files(plugins)
    top = [*flags.items(), *(("--set", parse_set(text)) for text in sets)]
    _check_written(top)
    trust.allow_classes([table for _, table in top])
    layers = Layers()
    if recipe is None and not any(_names_method(table) for _, table in top):
        recipe = registry.full_name_of(registry.default("recipe"))
    below = [] if recipe is None else _sources(recipe, files, trusted=trusted)
    top = [(origin, _as_typed(table, origin)) for origin, table in top]
    dataset = _dataset([table for _, table in (*below, *top)])
    _check_scale(scale, below)
    for parts in _recipes(below):
        unfolded = [_unfold(table, origin, dataset, scale) for origin, table in parts]
        for label, layer in chain.from_iterable(zip(*unfolded, strict=True)):
            layers.add(layer, label)
    for origin, layer in top:
        layers.add(layer, origin)
    if scale is not None:
        layers.add({"recipe": {"scale": scale}}, "--scale")
    layers.add({"plugins": files}, "--plugin")
    if any(_names_method(table) for _, table in top):  # its phases may not be the recipe's any more
        ours = {
            name for origin, table in top for name in _section(table.get("optimizer"), "optimizer", origin)
        }
        layers.values["inherited"] = tuple(set(layers.values.get("optimizer", {})) - ours)
    config = read(layers.values, layers.origin, given)
    return config.model_copy(update={"version": __version__, "packages": packages(config)})


def read(table: Table, origin: Origin = lambda key: "", given: Collection[str] = ()) -> RunConfig:
    """The run that a complete table says, such as that of a run's `config.toml`, with every part checked.

    given:  sections whose part is a finished module, which has no settings

    Raises:  ConfigError with the faults of all parts
    """
    parts, faults = _parts(table, origin, PARTS, given)
    try:
        config = check(RunConfig, {**table, **parts}, "", origin)
    except ConfigError as err:
        faults.append(err)
    if faults:
        raise together(faults)
    return config


def _check_written(tables: Sequence[tuple[str, Table]]) -> None:
    for origin, table in tables:
        for key in _WRITTEN:
            if key in table:
                raise ConfigError(
                    f"'{key}' cannot be {table[key]!r}: aezoo itself writes it into a run's config.toml",
                    where=f"{key} in {origin}",
                    fix="load a one-file plugin with --plugin FILE.py"
                    if key == "plugins"
                    else "leave it out",
                )


def parts_of(table: Table, parts: Sequence[str]) -> Parts:
    """The parts that a table names, each with its whole settings, checked by its own constructor.

    A part that is not named is the one that a named part brings along, or its kind's default.

    Raises:  ConfigError with the faults of all parts
    """
    found, faults = _parts(table, lambda key: "", parts, ())
    if faults:
        raise together(faults)
    return found


def _parts(
    table: Table, origin: Origin, parts: Sequence[str], given: Collection[str]
) -> tuple[Parts, list[ConfigError]]:
    faults: list[ConfigError] = []

    def part(kind: str, settings: Table, section: str) -> Part:
        try:
            return check_part(kind, settings, section, origin)
        except ConfigError as err:
            faults.append(err)
            return Part(name="")

    values = with_path(table, "")
    for kind in parts:  # what is named, or brought along by what is named, before any default
        values[kind] = _section(values.get(kind), kind, origin(kind))
    _bring_along(values, parts)
    for kind in parts:
        if "name" not in values[kind]:
            values[kind] = {**values[kind], "name": registry.full_name_of(registry.default(kind))}
        _bring_along(values, parts)
    found: Parts = {
        kind: Part(**values[kind]) if kind in given else part(kind, values[kind], kind) for kind in parts
    }
    if "dataset" in found:
        found["dataset"] = _locate(found["dataset"])
    prior = found["prior"].get("during") or values["prior"].get("during")  # as written, where it has faults
    if "prior" not in given and (during := waiting(prior)) is not None:
        part("prior", during, "prior.during")
    where = origin("regularizer")
    found["regularizer"] = {
        label: part(
            "regularizer",
            {"name": label, **_section(settings, f"regularizer.{label}", where)},
            f"regularizer.{label}",
        )
        for label, settings in settings_table("regularizer", values.get("regularizer", {}), where).items()
    }
    return found, faults


def check_part(kind: str, settings: Table, section: str, origin: Origin = lambda key: "") -> Part:
    """One part's section with every setting filled in, checked and typed."""
    settings = {**settings}
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise ConfigError(
            f"'{section}' names no {kind}",
            where=f"{section} in {origin(section)}",
            fix=f"name one: --set {section}.name=...; `aezoo list {kind}` shows them all",
        )
    own = settings_class(kind, name, f"{section}.name in {origin(section)}")
    said = {key: value for key, value in settings.items() if value is not None}  # TOML has no None to record
    return Part(name=registry.full_name(kind, name), settings=check(own, said, section, origin))


def waiting(during: Any) -> Table | None:
    """The section of the prior in force until a fitted one is fitted, if its setting `during` names one."""
    return _section(during) if isinstance(during, str | Mapping) and during != "none" else None


def make(
    kind: str, part: Part, of: tuple[type, ...], given: Mapping[str, Any] | None = None, section: str = ""
) -> Any:
    """A part: its class, called with its settings and with whichever of `given` its constructor names.

    of:  what the class may derive from, the interface first

    Raises:  ConfigError for a class that derives from none of them, which is not called
    """
    where = f"{section or kind}.name"
    found = part_class(kind, part.name, where)
    if not issubclass(found, of):
        raise no_part(found, of[0], where)
    wanted = signature(found).parameters
    asked = {name: value for name, value in (given or {}).items() if name in wanted}
    return found(**dict(part.settings), **asked)


def no_part(found: type, interface: type, where: str) -> ConfigError:
    section = where.partition(".name")[0]
    return ConfigError(
        f"{found.__name__} is no {interface.__name__}",
        where=where,
        fix=f"derive the class from aezoo.api.{interface.__name__}; docs/plugins.md says what it must have; "
        f"a run made with an object of yours opens with it: modules={{'{section}': {found.__name__}(...)}}",
    )


def settings_class(kind: str, name: str, where: str = "") -> type[Config]:
    """The settings of a part, by its name or as "module:Class"."""
    return settings_of(part_class(kind, name, where))


def part_class(kind: str, name: str, where: str = "") -> type:
    """The class of a part, by its name, NAME or DISTRIBUTION:NAME, or as "module:Class"."""
    if names.is_class(kind, name):
        return import_class(name, where)
    target = registry.load_target(registry.find(kind, name, where))
    assert isinstance(target, type)
    return target


def import_class(name: str, where: str = "") -> type:
    """The class "module:Class" of the user's own; modules beside the working directory are found.

    Raises:  MissingError when the module is not there; ConfigError when it holds no such class, or when it
             is a run that names it, and nobody allowed that
    """
    module_name, _, class_name = name.partition(":")
    if not all(word.isidentifier() for word in (*module_name.split("."), *class_name.split("."))):
        raise ConfigError(f"'{name}' is no class", where=where, fix='write "module:Class"')
    trust.check_class(name, where)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        with output_to_stderr():
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as err:
        raise MissingError(
            f"the module '{module_name}' of '{name}' is not on this machine ({err})",
            where=where,
            fix="run from the directory that holds it, or install it",
        ) from err
    except (Exception, SystemExit) as err:  # somebody's own module may raise anything
        raise ConfigError(
            f"the module of '{name}' breaks while it is imported: {type(err).__name__}: {err}",
            where=", ".join(filter(None, (where, breaking_line(err)))),
            fix="mend the module",
        ) from err
    found = module
    for attribute in class_name.split("."):
        found = getattr(found, attribute, None)  # type: ignore[assignment]
    if not isinstance(found, type):
        section = where.partition(".name")[0] or "encoder"
        raise ConfigError(
            f"the module '{module_name}' has no class '{class_name}'",
            where=where,
            fix='write "module:Class" of a class in a file of its own; a run made with an object of yours '
            f"opens with it: aezoo.load(RUN, modules={{'{section}': {class_name}(...)}})",
        )
    return found


def run_name(config: RunConfig, method: str = "") -> str:
    """What a run is called where nobody says: its recipe, or its prior and regularizers.

    method:  another name for these
    """
    prior = registry.bare_name("prior", config.prior.name)
    method = method or config.recipe.name or "-".join([prior, *config.regularizer])
    words = f"{method}-{_dataset_word(config.dataset)}-s{config.train.seed}"
    return "".join(letter if letter.isalnum() or letter in "-_.+" else "_" for letter in words)


def _dataset_word(dataset: Part) -> str:
    """A short name of the data: `digits`, `folder-faces`, or the class of a user's own dataset."""
    name, path = dataset.name.rpartition(":")[2], dataset.get("path")
    return f"{name}-{Path(path).expanduser().absolute().stem}" if path else name


def with_path(table: Table, origin: str) -> Table:
    """A copy whose dataset "NAME:PATH" is the registered NAME with the setting `path`.

    DISTRIBUTION:NAME and a "module:Class" of the user's own stay what they are.

    Raises:  ConfigError when the dataset of that name takes no path, or no dataset has it
    """
    section = table.get("dataset")
    text = section.get("name") if isinstance(section, Mapping) else section
    where = f"dataset in {origin}" if origin else "dataset"
    if not isinstance(text, str) or ":" not in text:
        _refuse_path(text, where)
        return {**table}
    name, path = _split_path(text)
    if path is None or not _takes_path(name, path, where):
        return {**table}
    rest = dict(section) if isinstance(section, Mapping) else {}
    return {**table, "dataset": {**rest, "name": name, "path": path}}


def _absolute(table: Table, folder: Path) -> Table:
    """A copy whose dataset's `path` and `root` hold from any working directory.

    folder:  where relative ones start: the place of the file they stand in, or the working directory
    """
    section = table.get("dataset")
    if not isinstance(section, Mapping):
        return {**table}
    places = {key: section[key] for key in ("path", "root") if _is_relative(section.get(key))}
    moved = {key: str(Path(os.path.abspath(folder / text))) for key, text in places.items()}
    return {**table, "dataset": {**section, **moved}}


def _locate(dataset: Part) -> Part:
    """The dataset with its paths, default ones too, as they are seen from the working directory."""
    places = _absolute({"dataset": dict(dataset.settings)}, Path())["dataset"]
    return Part(name=dataset.name, settings=dataset.settings.model_copy(update=places))


def _is_relative(text: Any) -> bool:
    """Whether a text is a path that depends on the working directory; empty ones and URLs are not."""
    local = isinstance(text, str) and text and "://" not in text and not text.startswith("~")
    return bool(local) and not Path(text).is_absolute()


def _refuse_path(text: Any, where: str) -> None:
    """Say what to write in front of a path that stands where a dataset's name should."""
    known = [registry.full_name_of(info) for info in registry.list_components("dataset")]
    if isinstance(text, str) and text and text not in known and Path(text).expanduser().exists():
        takers = [name for name in known if "path" in settings_class("dataset", name).model_fields]
        raise ConfigError(
            f"'{text}' is a path, and no dataset is called so",
            where=where,
            fix=f"put the kind of data before it: {' or '.join(f'{name}:{text}' for name in takers)}",
        )


def _split_path(text: str) -> tuple[str, str | None]:
    """Name and path of NAME:PATH, or of DISTRIBUTION:NAME with or without a path."""
    first, _, rest = text.partition(":")
    name, colon, path = rest.partition(":")
    if registry.brings("dataset", full := f"{first}:{name}"):
        return full, path if colon else None
    if any(record.distribution == first for record in registry.plugins()):
        return text, None  # of that distribution, which has no such dataset
    return first, rest


def _takes_path(name: str, path: str, where: str) -> bool:
    known = {info.name for info in registry.list_components("dataset")}
    if registry.brings("dataset", name):
        if "path" in settings_class("dataset", name).model_fields:
            return True
        raise ConfigError(
            f"the dataset '{name}' takes no path, such as '{path}'", where=where, fix=f"write '{name}'"
        )
    if all(word.isidentifier() for word in path.split(".")):  # "module:Class"
        return False
    hint = did_you_mean(name, known)
    raise ConfigError(
        f"no dataset is called '{name}'", where=where, fix=f"{hint}`aezoo list dataset` shows every name"
    )


def _section(settings: Any, section: str = "", origin: str = "") -> Table:
    """The settings of a part that is written as a table, by its name alone, or not at all."""
    if isinstance(settings, str):
        return {"name": settings}
    return {} if settings is None else dict(settings_table(section, settings, origin))


def _bring_along(values: Table, parts: Sequence[str]) -> None:
    """Fill sections that nothing names with what the named parts bring along."""
    for kind in parts:
        name = values[kind].get("name", "")
        if not name or names.is_class(kind, name):
            continue
        try:
            info = registry.find(kind, name)
        except ConfigError:  # said later, with where it was written and all other faults
            continue
        for section, brought in names.renamed(info.defaults, names.in_file_of(info)).items():
            if section in parts and "name" not in values[section]:
                values[section] = {**values[section], "name": brought}


def _names_method(table: Table) -> bool:
    """Whether a table chooses what is trained, and not only on what or with which networks."""
    return any(section in table for section in (*PARTS, "regularizer") if section not in _NETWORKS)


def _sources(recipe: str | Path, files: list[str], *, trusted: bool) -> list[tuple[str, Table]]:
    """The recipe's table, below it those it extends; plugins they name are loaded and added to `files`."""
    found, own = [], True
    for source in sources("recipe", recipe, "the recipe's name"):
        table, origin = source.table, source.origin
        _check_file(table, origin)
        if isinstance(source.place, ComponentInfo):
            table = names.renamed(with_path(table, origin), names.in_file_of(source.place))
        else:
            own = own and not trust.is_of_run(source.place)  # and a file that a run's extends is no better
            loaded = onefile.make_ready(table, source.place, files, own=own, trusted=trusted)
            files += [name for name in loaded if name not in files]
            if "packages" in table:
                table = names.renamed(table, names.in_run(table["packages"], loaded))
            table = _absolute(_as_typed(table, origin), source.place.parent)
        found.append((origin, {key: value for key, value in table.items() if key != "base"}))
    return found[::-1]


def _as_typed(table: Table, origin: str) -> Table:
    """A user's table with paths apart from names, and names that say whose they are."""
    return names.renamed(with_path(table, origin), names.in_users_file(origin), labels=False)


def _check_file(table: Table, origin: str) -> None:
    for section in ("scale", "on"):
        if not isinstance(table.get(section, {}), Mapping):
            raise ConfigError(
                f"'{section}' cannot be {table[section]!r} in a file: it holds tables of settings",
                where=f"{section} in {origin}",
                fix="choose a scale with --scale, a dataset with --dataset",
            )
    check_keys(FileOutline, {key: value for key, value in table.items() if key != "plugins"}, origin)
    if not isinstance(table.get("format", FORMAT), int) or table.get("format", FORMAT) > FORMAT:
        raise ConfigError(
            f"{origin} has format {table['format']}, of aezoo {table.get('version', '(unknown)')}; "
            f"this is {__version__}, which reads up to {FORMAT}",
            where=origin,
            fix="upgrade aezoo",
        )


def _dataset(tables: Sequence[Table]) -> str:
    """The dataset that `on.NAME` tables are chosen by: the last one named."""
    for table in reversed(tables):
        dataset = table.get("dataset")
        name = dataset.get("name") if isinstance(dataset, Mapping) else dataset
        if isinstance(name, str):
            return registry.bare_name("dataset", name)
    return registry.default("dataset").name


def _check_scale(scale: str | None, below: Sequence[tuple[str, Table]]) -> None:
    known = list(dict.fromkeys(["small", *(name for _, table in below for name in table.get("scale", {}))]))
    if scale is not None and scale not in known:
        raise ConfigError(
            f"{below[-1][0] if below else 'a run without recipe'} has no settings for --scale {scale}",
            where="--scale",
            fix=f"its scales are {', '.join(known)}",
        )


def _recipes(below: Sequence[tuple[str, Table]]) -> list[list[tuple[str, Table]]]:
    """Each file by itself, but a recipe with its bases that have no `[recipe]` and so are a part of it."""
    found, bases = list[list[tuple[str, Table]]](), list[tuple[str, Table]]()
    for origin, table in below:
        bases.append((origin, table))
        if "recipe" in table:
            found.append(bases)
            bases = []
    return found + [[file] for file in bases]


def _unfold(table: Table, origin: str, dataset: str, scale: str | None) -> list[tuple[str, Table]]:
    """A file's four layers: itself, scale.X, on.D, scale.X.on.D; X is `small` where none is chosen."""
    scale = scale or "small"
    plain = {key: value for key, value in table.items() if key not in ("scale", "on")}
    scales, sets = table.get("scale", {}), table.get("on", {})
    scaled = scales.get(scale, {})
    return [
        (origin, plain),
        (f"{origin}, scale.{scale}", {key: value for key, value in scaled.items() if key != "on"}),
        (f"{origin}, on.{dataset}", sets.get(dataset, {})),
        (f"{origin}, scale.{scale}.on.{dataset}", scaled.get("on", {}).get(dataset, {})),
    ]
