"""A settings class as rows of text: for `aezoo show` and the reference pages. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic.json_schema import JsonSchemaMode

from aezoo.config.base import Config

MODE: JsonSchemaMode = "validation"  # what users write, not what is stored


@dataclass(frozen=True)
class Setting:
    """One key of a section.

    name:     the key; dotted inside a nested section
    default:  as JSON has it; None with `required` where a value must be given
    range:    such as '> 0' or 'one of small, base'; empty for any value of the type
    """

    name: str
    type: str
    default: Any
    required: bool
    range: str
    description: str


def settings(config: type[Config]) -> list[Setting]:
    """The keys of a settings class, nested sections flattened, in the order they were written."""
    schema = config.model_json_schema(mode=MODE)
    return _flat(schema, schema.get("$defs", {}), prefix="")


def _flat(schema: dict[str, Any], named: dict[str, Any], prefix: str) -> list[Setting]:
    found: list[Setting] = []
    required = schema.get("required", ())
    for key, field in schema.get("properties", {}).items():
        section = named.get(_reference(field), {})
        if "properties" in section:
            found += _flat(_with_defaults(section, field.get("default")), named, f"{prefix}{key}.")
        else:
            found.append(_setting(f"{prefix}{key}", field, key in required, named))
    return found


def _with_defaults(section: dict[str, Any], default: dict[str, Any] | None) -> dict[str, Any]:
    """A nested section as its owner fills it in: the owner's default goes before the section's own."""
    if default is None:
        return section
    filled = {
        key: field | ({"default": default[key]} if key in default else {})
        for key, field in section["properties"].items()
    }
    required = [key for key in section.get("required", ()) if key not in default]
    return section | {"properties": filled, "required": required}


def _setting(name: str, field: dict[str, Any], required: bool, named: dict[str, Any]) -> Setting:
    return Setting(
        name=name,
        type=_type(field, named),
        default=field.get("default"),
        required=required,
        range=_range(field, named),
        description=field.get("description", ""),
    )


def _reference(field: dict[str, Any]) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]


def _type(field: dict[str, Any], named: dict[str, Any]) -> str:
    if "$ref" in field:
        name = _reference(field)
        return _type(named[name], named) if "properties" not in named.get(name, {}) else name
    if choices := _choices(field):
        return " | ".join(_type(choice, named) for choice in choices)
    if field.get("type") == "array" and "prefixItems" in field:
        return f"[{', '.join(_type(item, named) for item in field['prefixItems'])}]"
    if field.get("type") == "array" and "items" in field:
        return f"[{_type(field['items'], named)}, ...]"
    if "enum" in field or "const" in field:
        return "choice"
    return {"null": "none"}.get(str(field.get("type")), str(field.get("type", "any")))


def _range(field: dict[str, Any], named: dict[str, Any]) -> str:
    if "$ref" in field:
        return _range(named.get(_reference(field), {}), named) if "properties" not in field else ""
    parts = [f"{sign} {field[key]:g}" for key, sign in _BOUNDS.items() if key in field]
    if "enum" in field:
        parts.append("one of " + ", ".join(map(str, field["enum"])))
    if "const" in field:
        parts.append(f"only {field['const']}")
    inner = [*_choices(field), *field.get("prefixItems", ())]
    parts += [found for choice in inner if "properties" not in choice and (found := _range(choice, named))]
    if isinstance(field.get("items"), dict) and (found := _range(field["items"], named)):
        parts.append(f"each {found}")
    return ", ".join(dict.fromkeys(parts))


def _choices(field: dict[str, Any]) -> list[dict[str, Any]]:
    return [*field.get("anyOf", ()), *field.get("oneOf", ())]


_BOUNDS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
