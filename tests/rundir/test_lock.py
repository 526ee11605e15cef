"""One writer at a time in a run directory."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from aezoo.errors import DiskError, RunFileError
from aezoo.rundir import lock
from aezoo.rundir.lock import FOREVER, hold

HOLDER = """
import sys, time
from pathlib import Path
from aezoo.rundir.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds tmp_path / run."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "run"], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        yield other
        other.kill()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_that_another_process_writes_is_refused_with_who_it_is(tmp_path, holder):
    with pytest.raises(RunFileError) as caught, hold(tmp_path / "run"):
        pass
    said = str(caught.value)
    assert (
        f"process {holder.pid} on {os.uname().nodename}, since 20" in said and str(tmp_path / "run") in said
    )
    assert "wait" in caught.value.fix and "--out" in caught.value.fix


def test_another_run_beside_it_is_free(tmp_path, holder):
    with hold(tmp_path / "run-2"):
        pass


def test_the_lock_of_a_killed_process_is_free_and_its_file_goes(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert names(tmp_path) == [".run.lock"]
    with hold(tmp_path / "run"):
        assert names(tmp_path) == [".run.lock"]
    assert names(tmp_path) == []


def test_one_thread_may_hold_it_twice_and_two_may_not(tmp_path):
    refused = []

    def other():
        try:
            with hold(tmp_path / "run"):
                pass
        except RunFileError as err:
            refused.append(err)

    with hold(tmp_path / "run"), hold(tmp_path / "run", wait=FOREVER):
        pass
    with hold(tmp_path / "run"):
        with hold(tmp_path / "run"):
            pass
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1 and str(os.getpid()) in refused[0].what and names(tmp_path) == []


def test_whoever_waits_gets_it_next(tmp_path, holder):
    threading.Timer(0.3, holder.kill).start()
    with hold(tmp_path / "run", wait=FOREVER):
        assert holder.poll() is not None


def test_a_link_and_what_it_points_to_are_one(tmp_path, holder):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with pytest.raises(RunFileError), hold(tmp_path / "link"):
        pass


def test_a_directory_in_the_way_of_the_lock_is_told_with_its_path(tmp_path):
    (tmp_path / ".run.lock").mkdir()
    with pytest.raises(DiskError, match="run"), hold(tmp_path / "run"):
        pass


def test_a_disk_without_locks_is_told_and_used(tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(lock.FileLock, "acquire", refuse)
    with hold(tmp_path / "run"):
        pass
    assert "no locks" in capsys.readouterr().err


def test_temporary_files_of_killed_writes_are_swept_and_nobody_elses(tmp_path):
    run = tmp_path / "run"
    ours = [".config.toml.0a1b2c3d", "samples/.step-000000001.png.x_y1z2w3", "checkpoints/.latest.abcdefgh"]
    theirs = [
        ".gitignore",
        ".notes.txt.0a1b2c3d",
        "checkpoints/.ssh/key",
        "checkpoints/.latest",
        "config.toml",
    ]
    for name in [*ours, *theirs, "checkpoints/.step-000000002/state.json"]:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("")
    with hold(run):
        pass
    left = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert left == set(theirs) and not (run / "checkpoints" / ".step-000000002").exists()


def test_a_linked_checkpoint_folders_content_is_left_alone(tmp_path):
    outside = tmp_path / "outside"
    (outside / ".step-000000002").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoints").symlink_to(outside)
    with hold(tmp_path / "run"):
        pass
    assert names(outside) == [".step-000000002"]
