"""Files written whole or not at all."""

import os

import pytest

from aezoo import files
from aezoo.errors import DiskError
from aezoo.files import write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path):
    files.write_text(tmp_path / "a.txt", "ä")
    files.write_bytes(tmp_path / "a.txt", b"b")
    assert (tmp_path / "a.txt").read_bytes() == b"b"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / "samples.png"
    files.write_bytes(path, b"old")

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, call, broken)
    with pytest.raises(DiskError, match="disk full") as caught:
        files.write_bytes(path, b"new")
    assert str(path) in caught.value.where
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["samples.png"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_who_may_read_what_is_written_is_up_to_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        files.write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert os.stat(tmp_path / "a").st_mode & 0o777 == mode


def test_sha256_of_the_empty_file_is_the_published_one():
    assert files.sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_letters_that_utf8_has_not_do_not_stop_a_file_from_being_written(tmp_path):
    write_text(tmp_path / "card.md", "a name: \udce9\n")
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == "a name: ?\n"
