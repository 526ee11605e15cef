"""One-file plugins, and whether all that a run names is there. Torch-free.

A run keeps a copy of each one-file plugin in its directory, as `plugins/NAME.py`, and names the copy in
`config.toml`: so it still loads when it is moved, or when the first file has changed or gone. In any TOML
file `plugins` are paths seen from that file. To load such a run is to execute its file: see `registry.trust`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from aezoo.config.run import RunConfig
from aezoo.errors import ConfigError, MissingError, breaking_line, output_to_stderr
from aezoo.files import make_directory, sha256, write_bytes
from aezoo.registry import names as naming
from aezoo.registry import packages, registry, trust

FOLDER = "plugins"


def load_file(path: Path, where: str = "--plugin", *, allowed: bool = True) -> str:
    """Take a one-file plugin for the rest of this process; the name under which a run keeps it.

    Another file of the same name is replaced. Rows may call the file's own module by its name, `mine:Mine`.

    allowed:  whether the user asked for it; else it must have been asked for before

    Raises:  ConfigError when there is no such file, it cannot be used, or nobody asked for it
    """
    content = _content(path, where)
    if allowed:
        trust.allow_file(content)
    trust.check_file(path, content, where)
    name = path.name
    module = f"aezoo_file_{re.sub(r'[^A-Za-z0-9]', '_', path.stem)}_{sha256(content)[:8]}"
    if all((record.name, record.module) != (name, module) for record in registry.plugins()):
        loaded = _execute(module, path, content, where)
        registry.withdraw(name)
        registry.register(loaded, name, module=module, alias=path.stem, sha256=sha256(content))
    return f"{FOLDER}/{name}"


def load_files(paths: Iterable[str | Path]) -> list[str]:
    """Take several, as `--plugin` names them.

    Raises:  ConfigError when one cannot be used, or two have one name
    """
    names = [load_file(Path(path)) for path in paths]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"two plugins are called {Path(name).name}", where="--plugin", fix="rename one of the files"
            )
    return names


def make_ready(
    table: Mapping[str, Any], file: Path, loaded: Collection[str] = (), *, own: bool, trusted: bool
) -> list[str]:
    """Load the one-file plugins that a TOML file names, and check that its packages are there.

    loaded:   names of those that are there already, and win
    own:      whether it is a file of the user's own, and no run's
    trusted:  whether code that a run names may be executed

    Raises:  MissingError naming the package or file that is not on this machine
             ConfigError for a run's plugins where nobody allowed them, or outside the run
    """
    if own or trusted:
        trust.allow_classes(table)
    names = []
    for text in _texts(table.get("plugins", ()), file):
        name = f"{FOLDER}/{Path(text).name}"
        if name not in loaded:
            if not own:
                trust.check_inside(text, file)
            load_file(_there(file.parent / text, file), f"plugins in {file}", allowed=own or trusted)
        names.append(name)
    packages.check_there(table.get("packages", {}), file)
    return names


def trust_option(config: RunConfig) -> str:
    """What a command that opens the run needs besides, where it executes code of the run's own."""
    own = config.plugins or any(naming.is_class(*one) for one in packages.named_parts(config))
    return " --trust" if own else ""


def keep_copies(names: Iterable[str], directory: Path) -> None:
    """Write the one-file plugins that were loaded into a run directory."""
    for name in names:
        make_directory(directory / FOLDER)
        write_bytes(directory / name, _source(name))


def check_copies(names: Iterable[str], directory: Path, used: Collection[str]) -> None:
    """Raises ConfigError when a plugin that was loaded is not the one the run was made with.

    used:  names of the files that parts of the run come from; of others, such as a metric's, any will do
    """
    for name in names:
        copy = directory / name
        if Path(name).name in used and copy.exists() and copy.read_bytes() != _source(name):
            raise ConfigError(
                f"{Path(name).name} is not the file this run was made with: {copy} differs",
                where="--plugin",
                fix=f"go on with --plugin {copy}, or begin a new run",
            )


def _content(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise ConfigError(
            f"the plugin {path} cannot be read: {err.strerror}", where=where, fix="name a Python file"
        ) from err


def _execute(name: str, path: Path, content: bytes, where: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__dict__["__aezoo_source__"] = content
    sys.modules[name] = module  # classes look their module up while they are made
    try:
        with output_to_stderr():
            exec(compile(content, str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as err:
        del sys.modules[name]
        raise ConfigError(
            f"the plugin {path} cannot be loaded: {type(err).__name__}: {err}",
            where=f"{where}: {breaking_line(err)}",
            fix="mend the file",
        ) from err
    return module


def _source(name: str) -> bytes:
    (module,) = [record.module for record in registry.plugins() if record.name == Path(name).name]
    content: bytes = sys.modules[module].__dict__["__aezoo_source__"]
    return content


def _texts(value: Any, file: Path) -> list[str]:
    if isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value):
        return list(value)
    raise ConfigError(
        f"'plugins' cannot be {value!r}: it is a list of files",
        where=f"plugins in {file}",
        fix='write plugins = ["mine.py"]',
    )


def _there(path: Path, file: Path) -> Path:
    if not path.is_file():
        raise MissingError(
            f"the one-file plugin {path} is not there", where=f"plugins in {file}", fix="put the file back"
        )
    return path
