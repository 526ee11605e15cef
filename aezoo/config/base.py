"""The base of every settings class: strict, frozen, and with a description beside each field."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

IMMATERIAL: Final = "immaterial"
"""Marks a setting that makes no other training of it: `log_every: Annotated[int, IMMATERIAL]`.

It says where a training runs and how it is watched; weights depend on it only by how a processor rounds.

A comparison finds a run again, and a resumed run goes on, whatever such settings say; reports leave them out.
"""

LATER: Final = "later"
"""Marks a setting that came after runs were made without it, and whose default is what they did.

While it is at its default it makes no other training of them: a comparison finds them again.
"""


class Config(BaseModel):
    """Settings of one part or section. Unknown keys are errors; values are checked, also defaults.

    Fields carry their range in the type and their unit in `Field(description=...)`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)
