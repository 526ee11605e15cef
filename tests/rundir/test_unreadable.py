"""A disk that fails while it is read: an error that names the file, or what was asked for all the same."""

import builtins
import errno
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import aezoo
from aezoo.errors import AezooError
from aezoo.report import short_page
from tests.tiny import trained

READS = os.O_WRONLY | os.O_RDWR


class Reads:
    """Counts what is read of files below a folder, and fails the n-th time."""

    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.left, self.failed = str(folder), n, ""

    def __call__(self, path: object) -> None:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path).startswith(self.folder):
            return
        self.left -= 1
        if self.left == 0:
            self.failed = os.fspath(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), self.failed)


def failing(monkeypatch, reads):
    opened, low, listed, looked = io.open, os.open, os.scandir, os.stat

    def open_file(path, mode="r", *more, **options):
        if "r" in mode:
            reads(path)
        return opened(path, mode, *more, **options)

    def open_low(path, flags, *more, **options):
        if not flags & READS:
            reads(path)
        return low(path, flags, *more, **options)

    def scandir(path="."):
        reads(path)
        return listed(path)

    def stat(path, **options):
        reads(path)
        return looked(path, **options)

    monkeypatch.setattr(io, "open", open_file)
    monkeypatch.setattr(builtins, "open", open_file)
    monkeypatch.setattr(os, "open", open_low)
    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "stat", stat)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with data, a cache, and a run trained on them."""
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "cache"))
    rows = np.random.default_rng(0).integers(0, 255, (60, 1, 8, 8)).astype("uint8")
    np.savez(tmp_path / "x.npz", x=rows)
    train(tmp_path / "run", tmp_path)
    return tmp_path


def train(out, home, steps=4, **options):
    settings = {"checkpoint": {"every": 2}, "dataset": {"name": "npz", "path": str(home / "x.npz")}}
    return trained(out, steps=steps, log_every=1, settings=settings, **options)


USES = {
    "load": lambda run, home: aezoo.load(run),
    "report": lambda run, home: short_page(run),
    "evaluate": lambda run, home: aezoo.evaluate(run, metrics=["fd"], extractors=["random-conv"], n=6),
    "resume": lambda run, home: train(run, home, resume=True),
    "extend": lambda run, home: train(run, home, steps=5, resume=True),
    "overwrite": lambda run, home: train(run, home, seed=1, overwrite=True),
}


def check(home, monkeypatch, use, stride):
    n, failures = 1, 0
    while True:
        for old in home.glob("*copy*"):
            shutil.rmtree(old)
        run = shutil.copytree(home / "run", home / "copy")
        if n % 2:
            (run / "model.safetensors").unlink()  # of a training that is not finished
        reads = Reads(home, n)
        with monkeypatch.context() as patch:
            failing(patch, reads)
            try:
                USES[use](run, home)
            except AezooError as err:
                failures += 1
                assert reads.failed, f"{err} without a failure"
        if not reads.failed:
            break
        n += stride
    assert failures > 0


@pytest.mark.parametrize(
    ("use", "stride"), [("load", 1), ("report", 5), ("evaluate", 23), ("resume", 23), ("overwrite", 19)]
)
def test_a_read_that_fails_is_an_error_of_aezoo_or_none(home, monkeypatch, use, stride):
    check(home, monkeypatch, use, stride)


@pytest.mark.slow  # minutes: each read of each use fails once
@pytest.mark.parametrize("use", USES)
def test_each_read_that_fails_is_an_error_of_aezoo_or_none(home, monkeypatch, use):
    check(home, monkeypatch, use, 1)
