"""Virtual environments in which tests run commands as a user would, each in a directory of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BINARIES = "Scripts" if os.name == "nt" else "bin"
UNSEEN = ("PYTHONPATH", "AEZOO_DISABLE_PLUGINS", "AEZOO_LOAD_PLUGINS", "AEZOO_STRICT_PLUGINS")


@dataclass(frozen=True)
class Environment:
    """An interpreter with aezoo; commands run in `here`.

    install:  what pip is called with, and its options
    command:  how aezoo is called
    """

    here: Path
    python: Path
    install: tuple[str, ...]
    command: tuple[str, ...]

    def aezoo(self, *words: object, code: int = 0) -> str:
        """What a command prints, with its errors where it is to fail; its exit code is asserted."""
        return self.call(*self.command, *words, code=code)

    def pip_install(self, *words: object) -> str:
        return self.call(*self.install, *words)

    def call(self, *words: object, code: int = 0) -> str:
        done = called(self.here, *words)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stdout + done.stderr

    @property
    def site(self) -> Path:
        """Where its packages are."""
        return Path(
            self.call(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        )


def seeing_the_parents_packages(here: Path) -> Environment:
    """Its own place for plugins; everything else, aezoo too, comes from this process's path."""
    python = _made(here / "venv", "--without-pip")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    found = Environment(here, python, (*pip, *offline), (str(python), "-m", "aezoo"))
    folders = dict.fromkeys([str(ROOT), str(ROOT / "plugins"), *filter(_is_of_packages, sys.path)])
    (found.site / "parent.pth").write_text("\n".join(folders))
    return found


def fresh(here: Path) -> Environment:
    """Nothing but what pip installs for this checkout. Skips when no package index answers."""
    pytest.importorskip("hatchling")
    python = _made(here / "venv")
    pip = (str(python), "-m", "pip", "--disable-pip-version-check")
    asked = called(here, *pip, "download", "--quiet", "--no-deps", "--dest", here / "asked", "pluggy")
    if asked.returncode != 0:
        pytest.skip(f"no package index answers: {(asked.stderr.strip() or '(silence)').splitlines()[-1]}")
    found = Environment(here, python, (*pip, "install", "--quiet"), (str(python.parent / "aezoo"),))
    found.pip_install(ROOT)
    return found


def called(here: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """A process away from the checkout and its settings."""
    environment = {key: value for key, value in os.environ.items() if key not in UNSEEN}
    command = list(map(str, words))
    return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)


def _made(folder: Path, *options: str) -> Path:
    """The interpreter of a new virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", *options, str(folder)], check=True)
    return next((folder / BINARIES).glob("python*"))


def _is_of_packages(path: str) -> bool:
    """Whether an entry of this process's path holds installed packages, and not the standard library."""
    return Path(path).name in ("site-packages", "dist-packages")
