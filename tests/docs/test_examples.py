"""Every command and program in README.md and docs/ runs, training for a few steps instead of many."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aezoo.cli.main import build

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def blocks(page: Path, language: str) -> list[str]:
    return [code for name, code in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def commands(page: Path) -> list[list[str]]:
    """The `aezoo` commands of a page, in order."""
    lines = [
        part.strip() for code in blocks(page, "sh") for line in code.splitlines() for part in line.split("&&")
    ]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("aezoo ")]


def shortened(words: list[str]) -> list[str]:
    """The same command with a hundredth of its steps, two at least."""
    if words[0] != "train" or "--dry-run" in words:
        return words
    if "--steps" not in words:
        return [*words, "--steps", "2"]
    at = words.index("--steps") + 1
    return [*words[:at], str(max(2, int(words[at]) // 100)), *words[at + 1 :]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_work_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in commands(page):
        result = CliRunner().invoke(build(), shortened(words), catch_exceptions=False)
        assert result.exit_code == 0, (words, result.output)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_programs_of_a_page_work(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, code in enumerate(blocks(page, "python")):
        if "import aezoo" not in code:
            continue  # a fragment that shows one line of a part
        program = tmp_path / f"program{number}.py"
        program.write_text(code, encoding="utf-8")
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
