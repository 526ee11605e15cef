"""The base of every settings class: strict, frozen, and with a description beside each field."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

IMMATERIAL: Final = "immaterial"
"""Marks a setting on which no weight depends: `log_every: Annotated[int, IMMATERIAL]`.

A comparison finds a run again, and a resumed run goes on, whatever such settings say; reports leave them out.
"""


class Config(BaseModel):
    """Settings of one part or section. Unknown keys are errors; values are checked, also defaults.

    Fields carry their range in the type and their unit in `Field(description=...)`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    def material(self) -> dict[str, Any]:
        """The settings that weights depend on, as JSON has them."""
        return self.material_of(self.model_dump(mode="json"))

    def material_of(self, table: dict[str, Any]) -> dict[str, Any]:
        """What is left of these settings, dumped as `table`, without the immaterial ones."""
        fields = type(self).model_fields
        left_out = {name for name in table if name in fields and IMMATERIAL in fields[name].metadata}
        return {
            name: _material(getattr(self, name), value)
            for name, value in table.items()
            if name not in left_out
        }


def _material(settings: Any, dumped: Any) -> Any:
    if isinstance(settings, Config):
        return settings.material_of(dumped)
    if isinstance(settings, dict):
        return {key: _material(settings[key], value) for key, value in dumped.items()}
    return dumped
