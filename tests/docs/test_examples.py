"""Every command and program in README.md and docs/ runs, training for a few steps instead of many."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from importlib import invalidate_caches
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from aezoo.cli.main import build
from aezoo.comparison import compare
from aezoo.registry import registry
from tests.images import write_folder, write_idx
from tests.working import Here

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN = ("aezoo ", "pip install ./aezoo-", "pip install './aezoo-", "pytest aezoo-")
OFFLINE = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", "site")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def blocks(page: Path, language: str) -> list[str]:
    return [code for name, code in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def commands(page: Path) -> list[list[str]]:
    """The commands of a page that a test can run, in order: aezoo's, and those on a plugin's directory."""
    lines = [
        part.strip() for code in blocks(page, "sh") for line in code.splitlines() for part in line.split("&&")
    ]
    return [shlex.split(line, comments=True) for line in lines if line.startswith(RUN)]


def shortened(words: list[str]) -> list[str]:
    """The same command with a hundredth of its steps, two at least; of a comparison one seed."""
    if words[0] == "compare" and "--steps" not in words and "--dry-run" not in words:
        return [*words, "--steps", "2", "--seeds", "1"]
    if words[0] != "train" or "--dry-run" in words:
        return words
    if "--steps" not in words:
        return [*words, "--steps", "2"]
    at = words.index("--steps") + 1
    return [*words[:at], str(max(2, int(words[at]) // 100)), *words[at + 1 :]]


def write_files(page: Path, folder: Path) -> None:
    """The files that a page shows whole: programs whose first line is their name."""
    for code in blocks(page, "python"):
        if named := re.match(r"# (\w+\.py)\n", code):
            (folder / named[1]).write_text(code, encoding="utf-8")


@pytest.fixture(autouse=True)
def _materials(tmp_path, monkeypatch):
    """The data that pages speak of, small: a folder, an .npz, a public set; another one in the cache."""
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AEZOO_DATA", raising=False)
    # comparisons in this process: starting others is another test's claim, and takes longer than the training
    monkeypatch.setattr(compare, "executor_of", lambda *options: Here())
    write_folder(tmp_path / "faces", count=50)
    np.savez(tmp_path / "rows.npz", x=np.arange(40 * 64).reshape(40, 8, 8).astype(np.uint8))
    write_idx(tmp_path / "public")
    write_idx(tmp_path / "cache" / "data", "FashionMNIST", train=100, test=30)


def perform(words: list[str]) -> None:
    """One command: aezoo's as in a new process, pip's without a network and into `site/`."""
    if words[0] == "aezoo":
        with registry.isolate():
            result = CliRunner().invoke(build(), shortened(words[1:]), catch_exceptions=False)
        assert result.exit_code == 0, (words, result.output)
        return
    options = OFFLINE if words[0] == "pip" else ("-q",)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", words[0], *words[1:], *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    invalidate_caches()  # modules may have come


LONG = {"plugins.md": pytest.mark.slow}  # it installs a plugin and runs its tests


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.name, marks=LONG.get(page.name, ())) for page in PAGES]
)
def test_the_commands_of_a_page_work_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    write_files(page, tmp_path)
    for words in commands(page):
        perform(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_programs_of_a_page_work(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # programs may import files that the page shows
    write_files(page, tmp_path)
    for number, code in enumerate(blocks(page, "python")):
        if not re.search(r"^import aezoo", code, re.M):
            continue  # a fragment that shows one line of a part
        program = tmp_path / f"program{number}.py"
        program.write_text(code, encoding="utf-8")
        with registry.isolate():
            names = runpy.run_path(str(program))
        if "images" in names:
            assert tuple(names["images"].shape) == (16, 1, 8, 8)


def test_the_readme_shows_the_main_job_and_the_tests():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install . && aezoo train --prior pgen --regularizer interp\n" in text
    assert "pip install -e '.[test]' && pytest\n" in text


def test_pictures_that_pages_show_are_there():
    for page in PAGES:
        for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / path).is_file(), f"{page.name} shows {path}"


def test_the_readmes_table_is_the_one_of_its_results_page():
    whole = (ROOT / "docs" / "results" / "fashion-mnist.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in whole.splitlines() if line.startswith("| ")}
    shown = [
        [cell.strip().strip("*") for cell in line.split("|")[1:-1]]
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if "±" in line
    ]
    assert len(shown) == 5
    for name, *numbers in shown:
        found = [re.sub(r"\*|</?ins>", "", cell).strip() for cell in rows[name].split("|")]
        assert set(numbers) <= set(found), (name, set(numbers) - set(found))
