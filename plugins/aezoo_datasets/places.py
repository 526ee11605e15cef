"""Where a public dataset lies on this machine, and how it gets there."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aezoo.api import AezooError, ConfigError, MissingError, cache_dir, data_dir


def folder(root: str) -> Path:
    """The folder to look in."""
    return Path(root).expanduser() if root else data_dir()


def missing(name: str, root: Path, file: str) -> MissingError:
    """The error for files that are not there."""
    return MissingError(
        f"{name} is not on this machine: there is no {file} in {root.absolute()}",
        where="dataset.root",
        fix="name the folder that holds it with --data-root DIR (or AEZOO_DATA), or fetch it with --download",
    )


def unpack(files: Sequence[Path], inner: str) -> Path:
    """A folder in the cache with the unpacked content of .gz files under `inner`; the files stay as they are.

    The folder is named after their content, so other files of the same names get another one.

    Raises:  ConfigError naming a damaged file; AezooError when the cache cannot be written
    """
    digest = hashlib.sha256()
    for file in files:
        digest.update(read(file))
    root = cache_dir() / "unpacked" / digest.hexdigest()[:16]
    for file in files:
        _put(root / inner / file.stem, _gunzip(file))
    return root


def untar(file: Path) -> Path:
    """A folder in the cache with the files of a .tar.gz, under the names they have in it.

    Raises:  as `unpack`
    """
    content = read(file)
    root = cache_dir() / "unpacked" / hashlib.sha256(content).hexdigest()[:16]
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive.getmembers():
                target = root / member.name
                inner = archive.extractfile(member) if member.isfile() and ".." not in member.name else None
                if inner is not None and target.is_relative_to(root):
                    _put(target, inner.read())
    except (tarfile.TarError, OSError, EOFError, zlib.error) as err:
        raise ConfigError(
            f"{file} is damaged: {err}", where=str(file), fix="put an intact copy in its place"
        ) from err
    return root


def unzip(file: Path, inner: str, beside: Sequence[Path] = ()) -> Path:
    """A folder in the cache with the files of a zip archive under `inner`, and copies of those `beside` it.

    Files that are there already, with the size and checksum that the archive says, are left: an archive of
    200,000 is unpacked once, and a stopped unpacking goes on. The folder is named after the archive's list of
    names, sizes and checksums.

    Raises:  as `unpack`
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and _is_inside(one.filename)]
            listed = "\n".join(f"{one.filename} {one.file_size} {one.CRC}" for one in members)
            root = cache_dir() / "unpacked" / hashlib.sha256(listed.encode()).hexdigest()[:16]
            for member in members:
                target = root / inner / member.filename
                if not _is_whole(target, member.file_size, member.CRC):
                    _write(target, archive.read(member))  # not flushed: it is checked whenever it is used
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, zlib.error) as err:  # encrypted: Runtime
        raise ConfigError(
            f"{file} is damaged: {err}", where=str(file), fix="put an intact copy in its place"
        ) from err
    for other in beside:
        _put(root / inner / other.name, read(other))
    return root


def _put(target: Path, content: bytes) -> None:
    """The content in that file, written where it is not there yet, or is damaged."""
    if not _is_whole(target, len(content), zlib.crc32(content)):
        _write(target, content, flush=True)


def _is_whole(target: Path, size: int, checksum: int) -> bool:
    """Whether a file is there as it was unpacked; a damaged one is told."""
    try:
        kept = target.read_bytes() if target.is_file() else None
    except OSError:  # a disk that fails: the same as damage
        kept = b""
    if kept is None or (len(kept) == size and zlib.crc32(kept) == checksum):
        return kept is not None
    print(f"warning: {target} was damaged, and is unpacked anew", file=sys.stderr)
    return False


def _is_inside(name: str) -> bool:
    """Whether a name in an archive stays below the folder it is unpacked into."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def read(file: Path) -> bytes:
    """The content of a file.

    Raises:  ConfigError naming a file that cannot be read
    """
    try:
        return file.read_bytes()
    except OSError as err:
        raise ConfigError(
            f"{file} cannot be read: {err.strerror}", where=str(file), fix="mend its permissions"
        ) from err


def fetch(name: str, root: Path, load: Callable[[], Any]) -> Any:
    """What `load` gives, a call that downloads into root.

    Raises:  MissingError when nothing could be fetched or written
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        return load()
    except (OSError, RuntimeError, EOFError) as err:  # no network, a server's refusal, a wrong checksum
        raise MissingError(
            f"{name} could not be fetched into {root.absolute()}: {err}",
            where="--download",
            fix="try again, or put its files there by hand; --data-root DIR names another folder",
        ) from err


def _gunzip(file: Path) -> bytes:
    try:
        return gzip.decompress(read(file))
    except (OSError, EOFError, zlib.error) as err:
        raise ConfigError(
            f"{file} is damaged: {err}", where=str(file), fix="put an intact copy in its place"
        ) from err


def _write(target: Path, content: bytes, *, flush: bool = False) -> None:
    """Whole or not at all: another process may be doing the same."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        with partial.open("wb") as file:
            file.write(content)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(target)
    except OSError as err:
        raise AezooError(
            f"{target} cannot be written: {err.strerror}",
            where="the cache folder",
            fix="make room there, or name another one in AEZOO_CACHE",
        ) from err
