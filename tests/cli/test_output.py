"""Names and texts from files are shown, and steer nothing."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aezoo
from aezoo.cli.output import print_columns, print_json, say
from aezoo.errors import AezooError, print_warning, shown
from tests.images import write_folder
from tests.tiny import WORDS, trained

RED, CLEAR, BELL = "\x1b[31m", "\x9b2J", "\x07"
EVIL = f"a{RED}b{CLEAR}c{BELL}d\u202ee\rf"


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    return trained(tmp_path_factory.mktemp("shown") / "run").path


def is_harmless(text: str) -> bool:
    return all(letter.isprintable() or letter in "\n\t" for letter in text)


def test_what_would_steer_a_terminal_is_spelt_out():
    assert shown(EVIL) == r"a\x1b[31mb\x9b2Jc\x07d\u202ee\rf"
    assert shown("größer ↓ 1\n\t2\r\n") == "größer ↓ 1\n\t2\r\n"
    assert shown("\udcff") == r"\udcff"


def test_all_that_is_printed_is_shown(capsys):
    say(EVIL)
    say(EVIL, file=sys.stderr)
    print_warning(EVIL)
    print_columns([(EVIL, "x")])
    print_json({EVIL: EVIL})
    print(AezooError(EVIL, where=EVIL, fix=EVIL))
    said = capsys.readouterr()
    assert is_harmless(said.out) and is_harmless(said.err)
    assert r"\x1b[31m" in said.out and r"\x1b[31m" in said.err


def test_json_holds_the_very_text(capsys):
    print_json({"a": EVIL + "\udcff größer", "b": 1})
    said = capsys.readouterr().out
    assert json.loads(said) == {"a": EVIL + "\udcff größer", "b": 1} and "größer" in said


def test_a_stream_of_few_letters_gets_them_spelt_out():
    words = "from aezoo.cli.output import say; say('größer ↓')"
    done = subprocess.run(
        [sys.executable, "-c", words], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert (done.returncode, done.stdout) == (0, rb"gr\xf6\xdfer \u2193" + b"\n")


def test_the_command_line_prints_by_these_alone():
    for file in sorted((Path(aezoo.__file__).parent / "cli").glob("*.py")):
        calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        names = [one.id for one in calls if isinstance(one, ast.Name)]
        assert "print" not in names or file.name == "output.py", file


@pytest.mark.parametrize("command", ["sample", "evaluate", "report", "compare"])
def test_a_run_of_an_odd_name_is_shown(run, finished, tmp_path, command):
    odd = tmp_path / f"odd{RED}\u202e"
    shutil.copytree(finished, odd)
    (odd / "config.toml").write_text((odd / "config.toml").read_text().replace("mlp", "no\\u001B[31msuch", 1))
    code, out, err = run(command, odd)
    assert is_harmless(out) and is_harmless(err) and (code != 0 or command == "report")
    assert r"\x1b[31m" in out + err


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text there")
def test_a_run_whose_name_is_no_utf8_is_trained_and_opened(run, tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/run\xff")
    code, _, err = run("train", "vae", *WORDS, "--steps", 2, "--out", odd)
    assert code == 0, err
    assert r"run\udcff" in run("sample", odd, "--out", odd + "/grid.png")[1]
    assert run("evaluate", odd, "--metrics", "reconstruction", "--quiet")[0] == 0
    assert run("report", odd, "--quiet")[0] == 0


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names of files are text there")
def test_data_whose_path_config_toml_cannot_hold_are_refused(run, tmp_path, monkeypatch):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/faces\xff")
    write_folder(Path(odd) / "all", count=40)
    words = ("train", "vae", *WORDS, "--image-size", 8, "--steps", 2, "--quiet", "--out", tmp_path / "run")
    code, _, err = run(*words, "--dataset", f"folder:{odd}")
    assert code == 2 and r"faces\udcff" in err
    monkeypatch.chdir(odd)
    code, _, err = run(*words, "--dataset", "folder:all")
    assert code == 2 and r"faces\udcff/all" in err and "is no UTF-8" in err and "rename" in err
