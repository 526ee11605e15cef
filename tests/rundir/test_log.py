"""metrics.jsonl: what is damaged or missing is told, and never ends a training."""

import json

import pytest

from aezoo.rundir.log import Log
from aezoo.rundir.rundir import RunDir
from tests.tiny import trained

BRIEF = {"steps": 6, "log_every": 1, "settings": {"checkpoint": {"every": 2}}}


@pytest.fixture
def log(tmp_path):
    made = Log(tmp_path / "metrics.jsonl")
    for step in range(1, 6):
        made.append({"step": step, "a": 0.5})
    return made


def steps(log):
    return [line["step"] for line in Log(log.file).read()[0]]


NO_LINES = ["nonsense", "[]", "3", "", "\x00", "[" * 100_000, '{"a": 1}', '{"step": "2"}', '{"step": true}']
NO_LINES += ['{"step": 2, "stage": "warm"}', '{"step": 2, "a": []}']


@pytest.mark.parametrize("line", NO_LINES, ids=lambda text: text[:20])
def test_a_damaged_line_is_left_out_and_told_and_whole_ones_are_kept(log, capsys, line):
    remembered = log.remember()
    texts = log.file.read_text().splitlines()
    log.file.write_text("\n".join([texts[0], line, *texts[2:]]) + "\n")
    found, damaged = log.read()
    assert [one["step"] for one in found] == [1, 3, 4, 5] and damaged == 1
    Log(log.file).rewind("train", 5, remembered)
    assert steps(log) == [1, 3, 4, 5]
    assert "lacks 1 of 5 lines up to step 5" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["deleted", "cut", "bytes"])
def test_lines_that_are_gone_are_told(log, capsys, damage):
    remembered = log.remember()
    if damage == "deleted":
        log.file.unlink()
    elif damage == "cut":
        log.file.write_bytes(log.file.read_bytes()[:40])
    else:
        log.file.write_bytes(b"\xff\xfe" * 40)
    Log(log.file).rewind("train", 5, remembered)
    assert f"lacks {5 - len(steps(log))} of 5 lines" in capsys.readouterr().err


def test_a_changed_number_is_told(log, capsys):
    remembered = log.remember()
    log.file.write_text(log.file.read_text().replace("0.5", "0.7", 1))
    Log(log.file).rewind("train", 5, remembered)
    assert "is not what training wrote" in capsys.readouterr().err and steps(log) == [1, 2, 3, 4, 5]


def test_a_line_that_a_kill_cut_short_is_nothing_to_tell(log, capsys):
    remembered = log.remember()
    with log.file.open("a") as file:
        file.write('{"step": 6, "a"')
    Log(log.file).rewind("train", 5, remembered)
    assert steps(log) == [1, 2, 3, 4, 5] and capsys.readouterr().err == ""


def test_a_checkpoint_remembers_the_lines_before_it(tmp_path, capsys):
    run = RunDir(trained(tmp_path / "run", **BRIEF).path)
    assert run.load_latest()[0].log["lines"] == 6
    lines = run.metrics_file.read_text().splitlines(keepends=True)
    run.metrics_file.write_text("".join(lines[:3]) + "damaged\n" + "".join(lines[4:]))
    trained(run.path, resume=True, **BRIEF)
    assert "lacks 1 of 6 lines up to step 6" in capsys.readouterr().err
    assert [json.loads(line)["step"] for line in run.metrics_file.read_text().splitlines()] == [1, 2, 3, 5, 6]


def test_a_stale_pointer_is_mended_by_resuming(tmp_path):
    run = RunDir(trained(tmp_path / "run", **BRIEF).path)
    for stale in (b"step-000000002", b"\xff", None):
        (run.checkpoints / "latest").unlink()
        if stale:
            (run.checkpoints / "latest").write_bytes(stale)
        trained(run.path, resume=True, **BRIEF)
        assert (run.checkpoints / "latest").read_text() == "step-000000006"
