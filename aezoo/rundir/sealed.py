"""Tables and safetensors files that know whether they are what was written. Torch-free."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aezoo.files import parse_json, reading, sha256

LONGEST_HEADER = 100_000_000  # bytes: what safetensors itself allows
SEAL = "seal"


class Damaged(ValueError):
    """Content that is not what was written, or not of this run."""


def seal(content: bytes, said: Mapping[str, str]) -> bytes:
    """Safetensors bytes whose header holds its own sha256, that of the tensors, and what is `said`."""
    header, body = _split(content)
    header["__metadata__"] = seal_table({**said, "sha256": sha256(body)}, beside=_tensors(header))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + body


def open_sealed(content: bytes) -> dict[str, str]:
    """What the header says of safetensors bytes; files without a seal pass.

    Raises:  Damaged when header or tensors are not those that were written
    """
    header, body = _split(content)
    found = header.get("__metadata__", {})
    if not isinstance(found, dict):
        raise Damaged("its header is no table")
    if found.get("sha256", sha256(body)) != sha256(body):
        raise Damaged("it fails its checksum")
    if not holds(found, beside=_tensors(header)):
        raise Damaged("its header fails its checksum")
    return {key: str(value) for key, value in found.items()}


def read_said(file: Path) -> dict[str, str]:
    """What the header of a safetensors file says, without a look at the tensors; nothing where there is none.

    Raises:  DiskError where the disk refuses
    """
    with reading(file):
        if not file.is_file():  # a pipe would be waited for
            return {}
        with file.open("rb") as content:
            length = int.from_bytes(content.read(8), "little")
            text = content.read(min(length, LONGEST_HEADER))
    try:
        return {key: str(value) for key, value in parse(text).get("__metadata__", {}).items()}
    except (ValueError, AttributeError):
        return {}


def seal_table(table: Mapping[str, Any], beside: Any = None) -> dict[str, Any]:
    """A table with the sha256 of its content.

    beside:  what is hashed too, but not in the table
    """
    plain = {key: value for key, value in table.items() if key != SEAL}
    return {**plain, SEAL: _hash(plain, beside)}


def holds(table: Mapping[str, Any], beside: Any = None) -> bool:
    """Whether a table's content is what its seal says; one without a seal passes."""
    plain = {key: value for key, value in table.items() if key != SEAL}
    return SEAL not in table or table[SEAL] == _hash(plain, beside)


def parse(content: bytes) -> dict[str, Any]:
    """JSON that holds a table.

    Raises:  Damaged for anything else
    """
    try:
        found = parse_json(content)
    except ValueError as err:
        raise Damaged(f"it is no JSON ({err})") from err
    if not isinstance(found, dict):
        raise Damaged(f"it holds a {type(found).__name__} and no table")
    return found


def _hash(table: Mapping[str, Any], beside: Any) -> str:
    return sha256(json.dumps([table, beside], sort_keys=True).encode())


def _tensors(header: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in header.items() if name != "__metadata__"}


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and tensors of safetensors bytes.

    Raises:  Damaged where there is no header
    """
    end = 8 + int.from_bytes(content[:8], "little")
    try:
        return parse(content[8:end]), content[end:]
    except Damaged as err:
        raise Damaged(f"its header: {err}") from err
