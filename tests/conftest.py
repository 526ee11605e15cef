"""What tests share."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from aezoo.cli.main import main
from aezoo.registry import registry

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch; threads of tiny models wait for each other

Install = Callable[..., None]

HEAD = "from aezoo import ComponentInfo, hookimpl\n"


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Nothing here cuts the power, and a small run flushes two dozen files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a made-up distribution with one entry point on the path; the registry is read afresh.

    install("dist-name", "module_name", source, **entry) writes the module and its metadata, version 2.5.
    The folder is on PYTHONPATH too, so that subprocesses find it.
    """
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for variable in ("AEZOO_DISABLE_PLUGINS", "AEZOO_LOAD_PLUGINS", "AEZOO_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    modules: list[str] = []

    def write(distribution: str, module: str, source: str, entry: str = "") -> None:
        (tmp_path / f"{module}.py").write_text(HEAD + dedent(source))
        folder = tmp_path / f"{distribution.replace('-', '_')}-2.5.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n")
        (folder / "entry_points.txt").write_text(f"[aezoo]\n{entry or module} = {module}\n")
        modules.append(module)

    with registry.isolate():
        yield write
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """The command line in a directory of its own: arguments -> exit code, stdout, stderr.

    Plugins are found anew each time, as in a new process.
    """
    monkeypatch.chdir(tmp_path)

    def call(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aezoo", *map(str, arguments)])
        with registry.isolate(), pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call
