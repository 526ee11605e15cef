"""A disk that is full or may not be written: the path is named, and what was there stays."""

import errno
import json
import os
from pathlib import Path

import pytest

import aezoo
from aezoo import files
from aezoo.errors import DiskError
from aezoo.rundir.rundir import RunDir
from tests.folders import contents
from tests.tiny import WORDS


def train(run, *arguments, steps=2):
    return run("train", "vae", *WORDS, "--steps", steps, "--quiet", "--out", "run", *arguments)


def fails(monkeypatch, number: int, only: str) -> None:
    """From now on the operating system refuses to write files whose path holds `only`."""
    real = os.open

    def refusing(path, flags, *arguments, **options):
        if flags & os.O_CREAT and only in str(path):
            raise OSError(number, os.strerror(number))
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "make room"), (errno.EROFS, "choose a place"), (errno.EACCES, "choose a place")],
    ids=["full", "read-only", "forbidden"],
)
def test_a_run_that_cannot_be_begun_names_the_path_and_a_remedy(run, monkeypatch, number, remedy):
    fails(monkeypatch, number, "config.toml")
    code, out, err = train(run)
    assert (code, out) == (1, "")
    assert os.path.join("run", "config.toml") in err and os.strerror(number) in err and remedy in err


def test_a_disk_that_fills_up_leaves_the_earlier_checkpoints_whole(run, tmp_path, monkeypatch):
    every = ("--set", "checkpoint.every=2", "--set", "checkpoint.keep=9")
    with monkeypatch.context() as patch:
        fails(patch, errno.ENOSPC, "step-000000006")
        code, _, err = train(run, *every, steps=8)
    assert code == 1 and "step-000000006" in err and "make room" in err
    left = RunDir(tmp_path / "run")
    assert left.names() == ["step-000000002", "step-000000004"]
    assert left.load_latest()[0].step == 4 and left.load_latest()[1] == []
    assert not [path.name for path in left.checkpoints.iterdir() if path.name.startswith(".")]
    assert train(run, *every, "--resume", steps=8)[0] == 0


def test_a_full_disk_while_logging_is_told_and_the_run_resumes(run, tmp_path, monkeypatch):
    real = Path.open

    def refusing(path, *arguments, **options):
        if path.name == "metrics.jsonl" and arguments == ("a",):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refusing)
        code, _, err = train(run)
    assert code == 1 and "metrics.jsonl" in err
    assert train(run, "--resume")[0] == 0


def test_overwriting_on_a_full_disk_keeps_the_old_run(run, tmp_path, monkeypatch):
    assert train(run)[0] == 0
    before = contents(tmp_path / "run")
    with monkeypatch.context() as patch:
        fails(patch, errno.ENOSPC, "config.toml")
        assert train(run, "--overwrite")[0] == 1
    assert contents(tmp_path / "run") == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert train(run, "--overwrite", steps=3)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert aezoo.load("run").sample(2).shape == (2, 1, 8, 8)


def test_the_working_directory_is_not_replaced(run, tmp_path, monkeypatch):
    assert train(run)[0] == 0
    before = contents(tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    code, _, err = run("train", "vae", *WORDS, "--steps", 2, "--out", ".", "--overwrite")
    assert code == 1 and "--overwrite" in err and str(tmp_path / "run") in err
    assert contents(tmp_path / "run") == before


def test_a_link_to_a_run_stays_a_link_when_the_run_is_replaced(run, tmp_path):
    assert train(run)[0] == 0
    (tmp_path / "run").rename(tmp_path / "real")
    (tmp_path / "run").symlink_to(tmp_path / "real")
    assert train(run, "--overwrite", steps=3)[0] == 0
    assert (tmp_path / "run").is_symlink() and json.loads((tmp_path / "real" / "results.json").read_text())[
        "steps"
    ] == 3


@pytest.mark.parametrize("out", ["grid.png", "rows.npz"])
def test_samples_that_cannot_be_written_name_the_path(run, monkeypatch, out):
    assert train(run)[0] == 0
    fails(monkeypatch, errno.EROFS, out)
    code, _, err = run("sample", "run", "-n", 2, "--out", out)
    assert code == 1 and out in err and "choose a place" in err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_directory_that_may_not_be_written_is_told(run, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    code, _, err = run("train", "vae", *WORDS, "--steps", 2, "--out", "closed/run")
    assert code == 1 and "closed/run" in err


def test_a_path_below_a_file_is_told(run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("train", "vae", *WORDS, "--steps", 2, "--out", "file/run")
    assert code == 1 and "file/run" in err and (tmp_path / "file").read_text() == ""


def test_a_refusal_without_a_known_remedy_still_names_the_path():
    error = files.disk_error("a.txt", OSError("odd"))
    assert isinstance(error, DiskError) and "a.txt" in error.what and "odd" in error.what and error.fix
