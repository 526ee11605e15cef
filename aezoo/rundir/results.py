"""What results.json holds: checked once where it is read, so that nothing later has to."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from aezoo.files import parse_json, sha256

SEAL = "sha256"  # the key under which the file says what everything else in it comes to
LARGEST = 1e300  # numbers beyond come from no measurement, and break sums


def _not_huge(number: float | None) -> float | None:
    """Infinite and undefined ones may be measured; tables say so."""
    if number is not None and math.isfinite(number) and abs(number) > LARGEST:
        raise ValueError(f"nothing measures {number:g}")
    return number


Number = Annotated[float | None, AfterValidator(_not_huge)]
Count = Annotated[int, Field(ge=0, lt=1 << 63)]


class _Table(BaseModel):
    """Keys that are not named here are somebody else's, or of a later aezoo."""

    model_config = ConfigDict(extra="allow", strict=True)


class Row(_Table):
    """One number with its protocol, of which older files do not say everything."""

    metric: str
    of: str = ""
    value: Number
    better: Literal["lower", "higher"] | None = None
    why: str = ""
    dataset: str = ""
    n_real: Count = 0
    n_fake: Count = 0
    split: str = ""
    extractor: str = ""
    layer: str = ""
    resize: str = ""
    weights_sha256: str = ""
    rounding: str = ""
    stretched: bool = False
    checkpoint: str = ""
    weights: str = ""
    seed: int = 0
    engine: str = ""
    settings: dict[str, Any] = {}
    versions: dict[str, str] = {}


class Evaluation(_Table):
    """How the numbers were measured."""

    seconds: Number = None
    device: str = ""
    versions: dict[str, str] = {}
    rows: Count | None = None
    asked: dict[str, Any] = {}


class Results(_Table):
    """The whole file; of a run that is still training only what was measured."""

    run: str = ""
    recipe: str = ""
    dataset: str = ""
    seed: int = 0
    steps: Count = 0
    seconds: Number = None
    fit_seconds: Number = None
    images_per_s: Number = None
    device: str = ""
    peak_memory_mb: Number = None
    parameters: dict[str, Count] = {}
    versions: dict[str, str] = {}
    results: list[Row] = []
    warnings: list[str] = []
    finishing: bool = False  # the short evaluation, card and report are still to come
    evaluation: Evaluation = Evaluation()


def parse(content: bytes) -> tuple[dict[str, Any], bool]:
    """The content of a results.json, and whether it is what aezoo wrote, as far as the file can tell.

    Raises:  ValueError for anything but results
    """
    found = parse_json(content)
    try:
        Results.model_validate(found)
    except ValidationError as err:
        first = err.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"{place}: {first['msg']}") from err
    seal = found.pop(SEAL, None)
    return found, seal is None or seal == _seal(found)


def text(results: Mapping[str, Any]) -> str:
    """As the file has it, sealed."""
    return json.dumps({**results, SEAL: _seal(results)}, indent=1) + "\n"


def _seal(results: Mapping[str, Any]) -> str:
    return sha256(json.dumps(results, sort_keys=True).encode())
