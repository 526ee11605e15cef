"""What lies in a folder, and damage to it."""

from pathlib import Path


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file of a folder, with what is in it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
