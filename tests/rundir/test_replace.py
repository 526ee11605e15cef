"""A run that is overwritten: a whole one has the name all the while, and nothing of a user's is deleted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aezoo import files
from aezoo.errors import RunFileError
from aezoo.rundir import replace
from aezoo.rundir.lock import hold
from aezoo.rundir.replace import Replacement, moved_aside
from tests.folders import contents
from tests.tiny import trained

# Counts the calls that change a disk, and ends the process right before the n-th, in a child for each n.
KILLED = """
import os, sys
from pathlib import Path
from aezoo import files
from aezoo.rundir import replace
from aezoo.rundir.lock import hold

def whole(path, text):
    (path / "checkpoints" / "step-000000001").mkdir(parents=True)
    for name in ("config.toml", "metrics.jsonl", "checkpoints/step-000000001/state.json"):
        (path / name).write_text(text)

def overwrite(path):
    with hold(path):
        replacing = replace.Replacement(path)
        whole(replacing.run, 'new = 1')
        replacing.take_place()

CALLS = ("rename", "replace", "unlink", "rmdir", "mkdir", "open")

def killed(path, n):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    count = 0
    def dying(real):
        def call(*arguments, **options):
            nonlocal count
            count += 1
            if count == n:
                os._exit(9)
            return real(*arguments, **options)
        return call
    for name in CALLS:
        setattr(os, name, dying(getattr(os, name)))
    if sys.argv[2] == "rename":
        files.exchange = replace.exchange = lambda *_: False
    else:
        replace.exchange = dying(replace.exchange)
    overwrite(path)
    os._exit(0)

def texts(path):
    return {file.read_text() for file in path.rglob("*") if file.is_file()}

n = 0
while True:
    n += 1
    path = Path(sys.argv[1]) / str(n) / "run"
    path.parent.mkdir()
    whole(path, 'old = 1')
    alive = not killed(path, n) or not killed(path, n)  # the second kill finds what the first one left
    found = texts(path) if path.exists() else "missing"
    with hold(path):
        pass
    gone, kept = found == "missing", texts(path) in ({"old = 1"}, {"new = 1"})
    print([gone or len(found) == 1, gone, kept, os.listdir(path.parent)])
    if alive:
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child in the middle of its work")
@pytest.mark.parametrize("how", ["exchange", "rename"])
def test_killed_twice_anywhere_one_whole_run_is_there_and_nothing_else(tmp_path, how):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, how], capture_output=True, text=True, check=True
    )
    cases = [
        json.loads(line.lower().replace("'", '"')) for line in done.stdout.splitlines() if line[0] == "["
    ]
    assert len(cases) > 20 and all(pure and kept for pure, _, kept, _ in cases)
    assert all(left == ["run"] for *_, left in cases)
    missing = sum(gone for _, gone, *_ in cases)
    assert missing == 0 if how == "exchange" else missing > 0


@pytest.fixture
def run(tmp_path) -> Path:
    return trained(tmp_path / "run").path


def test_where_names_cannot_be_exchanged_a_moved_run_is_named_then_put_back(run, monkeypatch, capsys):
    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    before, rename = contents(run), Path.rename
    monkeypatch.setattr(replace, "exchange", lambda *_: False)
    monkeypatch.setattr(Replacement, "discard", lambda self: None)
    monkeypatch.setattr(Path, "rename", lambda self, to: killed() if to == run else rename(self, to))
    with pytest.raises(Killed):
        trained(run, seed=1, overwrite=True)
    monkeypatch.undo()
    assert not run.exists() and moved_aside(run).is_dir()
    with pytest.raises(RunFileError) as caught:
        trained_model(run)
    assert str(moved_aside(run)) in caught.value.fix
    with hold(run):
        assert contents(run) == before
    assert "is back" in capsys.readouterr().err and os.listdir(run.parent) == ["run"]


def trained_model(path):
    import aezoo

    return aezoo.load(path)


@pytest.mark.parametrize(
    "name", [".git/HEAD", "thesis.tex", "checkpoints/.ssh/key", "plugins/mine.py", "samples/best.png"]
)
def test_a_run_with_somebody_elses_file_in_it_is_not_replaced(run, name):
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).write_text("mine")
    before = contents(run)
    with pytest.raises(RunFileError) as caught:
        trained(run, seed=1, overwrite=True)
    assert str(Path(name).parent if name.startswith(".git") else name)[:4] in caught.value.what
    assert contents(run) == before and os.listdir(run.parent) == ["run"]


def test_a_linked_folder_and_what_is_in_it_stay(run, tmp_path):
    (run / "checkpoints").rename(tmp_path / "scratch")
    (run / "checkpoints").symlink_to(tmp_path / "scratch")
    before = contents(tmp_path / "scratch")
    with pytest.raises(RunFileError, match="checkpoints"):
        trained(run, seed=1, overwrite=True)
    assert contents(tmp_path / "scratch") == before and (run / "checkpoints").is_symlink()


@pytest.mark.parametrize("name", [".run.replaced", ".run.overwrite-abcdefgh", ".run.overwrite-mine"])
def test_a_users_own_folder_beside_a_run_stays(run, name):
    mine = run.parent / name / "run"
    mine.mkdir(parents=True)
    (mine / "config.toml").write_text("mine")
    trained(run, seed=1, overwrite=True)
    assert (mine / "config.toml").read_text() == "mine"


def test_what_is_put_into_a_run_while_it_is_replaced_is_kept_and_told(run, monkeypatch, capsys):
    take = Replacement.take_place

    def late(self):
        (run / "notes.txt").write_text("mine")
        take(self)

    monkeypatch.setattr(Replacement, "take_place", late)
    trained(run, seed=1, overwrite=True)
    (kept,) = run.parent.glob(".run.overwrite-*")
    assert [path.name for path in contents(kept)] == ["notes.txt", "replaces.txt"] or (
        kept / "run" / "notes.txt"
    ).read_text() == "mine"
    assert str(kept) in capsys.readouterr().err


def test_a_folder_with_only_a_hidden_name_in_it_is_not_empty(tmp_path):
    (tmp_path / "run" / ".git").mkdir(parents=True)
    with pytest.raises(RunFileError, match="not empty"):
        trained(tmp_path / "run")
    assert os.listdir(tmp_path / "run") == [".git"]


def test_directories_trade_their_names(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not files.exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system or disk cannot")
    assert os.listdir(tmp_path / "a") == ["b"] and os.listdir(tmp_path / "b") == ["a"]


def test_replacing_a_run_has_nothing_to_warn_of(run, capsys):
    trained(run, seed=1, overwrite=True)
    assert capsys.readouterr().err == ""
