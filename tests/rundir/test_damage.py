"""Files of a run whose contents are not what was written: refused or told, never taken for whole."""

import json

import pytest

from aezoo.errors import RunFileError
from aezoo.resolve import resolve
from aezoo.rundir.rundir import RunDir

ROW = {"metric": "sse", "of": "reconstruction", "value": 1.0, "better": "lower"}


@pytest.fixture
def run(tmp_path):
    found = RunDir(tmp_path / "run")
    found.path.mkdir()
    return found


# --- results.json


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"results": {"sse": 1.0}}, "results"),
        ({"results": ["sse"]}, "results.0"),
        ({"results": [{**ROW, "metric": 3}]}, "results.0.metric"),
        ({"results": [{**ROW, "value": "low"}]}, "results.0.value"),
        ({"results": [{**ROW, "value": 10**400}]}, "results.0.value"),
        ({"results": [{**ROW, "better": "more"}]}, "results.0.better"),
        ({"results": [{**ROW, "checkpoint": {}}]}, "results.0.checkpoint"),
        ({"evaluation": []}, "evaluation"),
        ({"evaluation": {"rows": "all"}}, "evaluation.rows"),
        ({"parameters": {"encoder": None}}, "parameters.encoder"),
        ({"warnings": "none"}, "warnings"),
        ({"steps": True}, "steps"),
    ],
)
def test_results_of_another_shape_are_refused_with_the_place(run, table, place):
    (run.path / "results.json").write_text(json.dumps(table))
    with pytest.raises(RunFileError, match=r"results\.json is damaged") as caught:
        run.read_results()
    assert f"{place}: " in caught.value.what


@pytest.mark.parametrize("content", [b"[" * 5000, b'{"seed": ' + b"9" * 5000 + b"}", b"\xff", b"3"])
def test_results_that_cannot_be_read_are_refused(run, content):
    (run.path / "results.json").write_bytes(content)
    with pytest.raises(RunFileError, match=r"results\.json is damaged"):
        run.read_results()


def test_results_with_a_flipped_bit_are_told(run, capsys):
    run.write_results({"results": [ROW]})
    assert run.read_results() == {"results": [ROW]} and capsys.readouterr().err == ""
    file = run.path / "results.json"
    file.write_text(file.read_text().replace("1.0", "1.1"))
    assert run.read_results()["results"][0]["value"] == 1.1
    assert "checksum" in capsys.readouterr().err


def test_results_of_an_older_aezoo_say_no_checksum_and_pass(run, capsys):
    (run.path / "results.json").write_text(json.dumps({"results": [{"metric": "sse", "value": 1}]}))
    assert run.read_results() and capsys.readouterr().err == ""


# --- config.toml


def test_a_config_with_a_flipped_bit_is_told_by_whoever_reads_it(run, capsys):
    run.write_config(resolve("vae"))
    assert run.read_config() and capsys.readouterr().err == ""
    file = run.path / "config.toml"
    file.write_text(file.read_text().replace("seed = 0", "seed = 2"))
    assert run.read_config()["train"]["seed"] == 2
    assert "checksum" in capsys.readouterr().err


def test_a_config_cut_at_its_end_is_told(run, capsys):
    run.write_config(resolve("vae"))
    file = run.path / "config.toml"
    file.write_text(file.read_text().partition("[train]")[0])
    assert "train" not in run.read_config()
    assert "checksum" in capsys.readouterr().err


def test_a_config_that_the_user_wrote_passes_with_its_own_comment(run, capsys):
    (run.path / "config.toml").write_text('# mine\nformat = 1\nencoder = "point"\n')
    assert run.read_config() and capsys.readouterr().err == ""


# --- metrics.jsonl


@pytest.mark.parametrize(
    "line",
    [
        b"{half",
        b"\xff",
        b"[1]",
        b"3",
        b'{"a/b": 1.0}',
        b'{"step": "2"}',
        b'{"step": 2, "stage": 7}',
        b'{"step": 2, "stage": "later"}',
        b'{"step": 2, "a/b": 1' + b"0" * 400 + b"}",
        b"[" * 5000,
    ],
)
def test_lines_that_are_no_lines_of_a_training_are_left_out_aloud(run, capsys, line):
    run.metrics_file.write_bytes(b'{"step": 1, "a/b": 0.1}\n' + line + b'\n{"step": 3, "a/b": 0.3}\n')
    run.rewind_metrics("train", 3)
    assert "metrics.jsonl is damaged: lines left out: 1" in capsys.readouterr().err
    assert [line["step"] for line in run.read_metrics()] == [1, 3] and capsys.readouterr().err == ""


# --- model.safetensors


@pytest.mark.parametrize(
    "header", [b"[]", b"3", b'{"__metadata__": []}', b'{"__metadata__": 1}', b"[" * 5000]
)
def test_a_model_whose_header_is_no_table_is_damaged(run, header):
    (run.path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(RunFileError, match=r"model\.safetensors is damaged"):
        run.read_model()
