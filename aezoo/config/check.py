"""Checking a table against a settings class, with all faults said at once in the user's terms."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import ValidationError, create_model

from aezoo.config.base import Config
from aezoo.errors import ConfigError, nearest

_PLAIN = (bool, int, float, str, list, tuple, dict, Config, type(None))  # what TOML can hold, or nothing
C = TypeVar("C", bound=Config)

GIVEN = ("shape", "latent_dim", "range", "backbone")
"""What a part's constructor may ask for besides its own settings."""


def check(
    settings: type[C], values: Mapping[str, Any], section: str, origin: Callable[[str], str] = lambda key: ""
) -> C:
    """The settings, typed.

    Raises:  ConfigError listing every unknown key and every value out of range, with where it was written
    """
    try:
        return settings.model_validate(dict(values))
    except ValidationError as err:
        prefix = [section] if section else []
        errors: dict[str, Any] = {}  # the first fault of each key
        for error in err.errors():
            errors.setdefault(".".join([*prefix, *_words(error, settings)]), error)
        faults = [_fault(error, key, settings) for key, error in errors.items()]
        where = ", ".join(dict.fromkeys(f"{key} in {origin(key)}" if origin(key) else key for key in errors))
        hints = [hint for _, hint in faults if hint]
        raise ConfigError(
            "\n".join(what for what, _ in faults),
            where=where,
            fix="; ".join(hints) or "correct the values named above",
        ) from err


def check_keys(settings: type[Config], table: Mapping[str, Any], origin: str) -> None:
    """The keys of a table that the settings know; others are somebody else's business.

    Raises:  as `check`
    """
    known = {key: value for key, value in table.items() if key in settings.model_fields}
    check(settings, known, "", lambda key: origin)


def _words(error: Any, settings: type[Config]) -> list[str]:
    """The path of a fault as the user wrote it: pydantic names members of unions too, which no file does."""
    words: list[str] = []
    *around, last = error["loc"] or ("",)
    any_key = False  # inside a table whose keys are free
    members: list[type[Config]] = []  # what the last key may hold
    for part in (*around, last):
        unknown = part == last and error["type"] == "extra_forbidden"
        if isinstance(part, int) or part in settings.model_fields or unknown or any_key:
            words.append(str(part))
            field = None if any_key else settings.model_fields.get(str(part))
            any_key = field is not None and get_origin(field.annotation) is dict
            members = _members(settings, part)
            settings = members[0] if members else settings
        else:  # one of several forms, such as a ramp
            settings = next((member for member in members if member.__name__ == part), settings)
    return words


def _fault(error: Any, key: str, settings: type[Config]) -> tuple[str, str]:
    """What is wrong, and the remedy."""
    if error["type"] == "extra_forbidden":
        around, _, last = key.rpartition(".")
        known = _keys(_inner(settings, error["loc"][:-1]))
        close = nearest(last, known) or _further_in(last, settings)
        hint = f"did you mean '{around}.{close}'?".replace("'.", "'") if close else ""
        return f"unknown key '{key}'", hint or f"the keys are {', '.join(known) or 'none'}"
    if error["type"] == "missing":
        return f"'{key}' is missing", f"give it a value: --set {key}=..."
    if error["type"] in ("model_type", "dict_type"):
        return (
            f"'{key}' cannot be {error['input']!r}: it is a table of settings",
            f"write {key}.KEY = VALUE",
        )
    return f"'{key}' cannot be {error['input']!r}: {error['msg']}", ""


def _keys(settings: type[Config]) -> list[str]:
    """What a user may write: not what only the program fills in."""
    return [name for name, field in settings.model_fields.items() if not field.exclude]


def _further_in(name: str, settings: type[Config]) -> str | None:
    """A key of that very name in one of the sections, such as `train.steps` for `steps`."""
    for section in _keys(settings):
        inner = _inner(settings, [section])
        if inner is not settings and name in _keys(inner):
            return f"{section}.{name}"
    return None


def _inner(settings: type[Config], path: Sequence[Any]) -> type[Config]:
    """The settings class at a path inside another one."""
    for name in path:
        members = _members(settings, name)
        named = [member for member in members if member.__name__ == name]
        settings = (*named, *members, settings)[0]
    return settings


def _members(settings: type[Config], key: Any) -> list[type[Config]]:
    """The tables of settings that a key may hold."""
    field = settings.model_fields.get(str(key))
    types = () if field is None else (field.annotation, *get_args(field.annotation))
    plain = [get_args(one)[0] if get_origin(one) is Annotated else one for one in types]
    return [one for one in plain if isinstance(one, type) and issubclass(one, Config)]


def together(faults: Sequence[ConfigError]) -> ConfigError:
    """Several faults as one error."""
    return ConfigError(
        "\n".join(fault.what for fault in faults),
        where=", ".join(fault.where for fault in faults if fault.where),
        fix="; ".join(dict.fromkeys(fault.fix for fault in faults if fault.fix)),
    )


@cache
def settings_of(part: type) -> type[Config]:
    """The settings of a part: its constructor's own arguments, with their constraints and descriptions.

    `weight: Annotated[Number, Field(ge=0, description="...")] = 1e-4` is all that a part says of a setting.

    Raises:  ConfigError when an argument has no type that settings can have
    """
    fields: dict[str, Any] = {}
    for name, (argument, hint) in _arguments(part).items():
        if name in GIVEN or argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            continue
        if argument.default is argument.empty:
            fields[name] = (hint, ...)
        elif isinstance(argument.default, _PLAIN):  # of others, such as a layer class, it keeps its own
            fields[name] = (hint, argument.default)
    try:
        return create_model(f"{part.__name__}Settings", __base__=Config, **fields)
    except Exception as err:  # pydantic raises several kinds for types it cannot check
        raise _no_settings(part, err) from err


def _arguments(part: type) -> dict[str, tuple[inspect.Parameter, Any]]:
    """Each argument of a constructor, and its type."""
    try:
        hints = get_type_hints(part.__init__, include_extras=True)  # type: ignore[misc]
        arguments = inspect.signature(part).parameters
    except (ValueError, TypeError, NameError) as err:  # a builtin; a type that is not imported
        raise _no_settings(part, err) from err
    return {name: (argument, hints.get(name, Any)) for name, argument in arguments.items()}


def _no_settings(part: type, err: Exception) -> ConfigError:
    return ConfigError(
        f"the arguments of {part.__name__} cannot be settings: {err}",
        where=f"{part.__module__}:{part.__name__}",
        fix="use numbers, strings and lists, or pass a finished module from Python",
    )
