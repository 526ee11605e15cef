"""The run directory: whole files, checksums, and what is said of damaged ones."""

import json
import re
from pathlib import Path

import pytest
import torch

from aezoo import __version__
from aezoo.config.run import FORMAT
from aezoo.errors import RunFileError
from aezoo.resolve import resolve
from aezoo.rundir import rundir
from aezoo.rundir.rundir import Checkpoint, RunDir, new_path, newest_path
from tests.folders import flip_a_bit

ROOT = Path(__file__).parents[2]


def moment(step, stage="train"):
    return Checkpoint(stage, step, {"w": torch.full((2,), float(step))}, {"m": torch.ones(1)}, 1.5)


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path / "run")


def saved(run, *steps, keep=9, stage="train"):
    for step in steps:
        run.save_checkpoint(moment(step, stage), keep)
    return run


# --- checkpoints


def test_a_checkpoint_comes_back_with_everything(run):
    found, faults = saved(run, 10).load_latest()
    assert (found.stage, found.step, found.seconds, faults) == ("train", 10, 1.5, [])
    assert torch.equal(found.model["w"], torch.tensor([10.0, 10.0])) and torch.equal(
        found.trainer["m"], torch.ones(1)
    )


def test_the_pointer_names_the_newest(run):
    assert (saved(run, 5, 10).checkpoints / "latest").read_text() == "step-000000010"


def test_the_newest_is_by_step_and_fits_come_after_training(run):
    saved(run, 5)
    saved(run, 3, stage="fit")
    saved(run, 2, stage="fit2")
    assert run.names() == ["step-000000005", "fit-000000003", "fit2-000000002"]
    assert run.load_latest()[0].stage == "fit2" and run.load_latest("train")[0].step == 5


def test_fits_can_be_dropped(run):
    saved(run, 5)
    saved(run, 3, stage="fit")
    run.drop_fits()
    assert run.names() == ["step-000000005"]


@pytest.mark.parametrize("keep", [1, 2])
def test_keep_bounds_the_disk(run, keep):
    assert len(saved(run, 1, 2, 3, 4, keep=keep).names()) == keep
    assert run.load_latest()[0].step == 4


def test_a_later_stage_leaves_the_last_checkpoints_of_the_earlier(run):
    saved(run, 1, 2, keep=1)
    saved(run, 1, 2, keep=1, stage="fit")
    assert run.names() == ["step-000000002", "fit-000000002"]


@pytest.mark.parametrize("broken", ["trainer.safetensors", "state.json", "latest"])
def test_a_failure_while_saving_leaves_the_previous_one(run, monkeypatch, broken):
    saved(run, 1)
    whole = rundir.write_bytes, rundir.write_text

    def failing(write):
        def call(path, content):
            if path.name == broken:
                raise OSError("disk full")
            write(path, content)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(rundir, "write_bytes", failing(whole[0]))
        patch.setattr(rundir, "write_text", failing(whole[1]))
        with pytest.raises(OSError, match="disk full"):
            saved(run, 2)
    newest, faults = run.load_latest()
    assert (newest.step, faults) == (2 if broken == "latest" else 1, [])
    assert (run.checkpoints / "latest").read_text() == "step-000000001"
    saved(run, 3)
    assert not [path for path in run.checkpoints.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.safetensors", flip_a_bit),
        ("trainer.safetensors", flip_a_bit),
        ("trainer.safetensors", Path.unlink),
        ("model.safetensors", lambda path: path.write_bytes(path.read_bytes()[:20])),
        ("state.json", lambda path: path.write_text("{")),
        ("state.json", lambda path: path.write_text("{}")),
    ],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(run, file, damage):
    saved(run, 1, 2)
    damage(run.checkpoints / "step-000000002" / file)
    found, faults = run.load_latest()
    assert found.step == 1
    assert len(faults) == 1 and "step-000000002" in faults[0]


def test_nothing_whole_is_none_with_all_reasons(run):
    saved(run, 1, 2)
    for name in run.names():
        flip_a_bit(run.checkpoints / name / "model.safetensors")
    found, faults = run.load_latest()
    assert found is None and len(faults) == 2
    with pytest.raises(RunFileError, match="step-000000001") as caught:
        run.read_model()
    assert "--resume" in caught.value.fix


def test_each_files_checksum_stands_in_the_state(run):
    saved(run, 1)
    folder = run.checkpoints / "step-000000001"
    state = json.loads((folder / "state.json").read_text())
    assert state["sha256"] == {
        name: rundir.sha256((folder / name).read_bytes())
        for name in ("model.safetensors", "trainer.safetensors")
    }


def test_a_checkpoint_of_a_newer_format_is_no_damage_and_says_its_version(run):
    saved(run, 1, 2)
    file = run.checkpoints / "step-000000002" / "state.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": FORMAT + 1, "version": "77.0"}))
    with pytest.raises(RunFileError) as err:
        run.load_latest()
    assert "77.0" in err.value.what and err.value.fix == "upgrade aezoo" and len(run.names()) == 2


def test_copies_and_unfinished_ones_are_no_checkpoints(run):
    saved(run, 1)
    folder = run.checkpoints / "step-000000001"
    for name in ("step-000000002.old", "backup", ".step-000000003"):
        (run.checkpoints / name).mkdir()
        (run.checkpoints / name / "state.json").write_bytes((folder / "state.json").read_bytes())
    (run.checkpoints / "step-000000004").mkdir()
    assert run.names() == ["step-000000001"]


def test_tensors_that_share_memory_or_are_not_contiguous_are_written_whole(run):
    base = torch.arange(6.0).view(2, 3)
    tensors = {
        "a": base,
        "b": base,
        "t": base.T,
        "row": base[1],
        "none": torch.zeros(0),
        "n": torch.tensor(True),
    }
    run.save_checkpoint(Checkpoint("train", 1, tensors, {}, 0.0), 1)
    found = run.load_latest()[0].model
    assert all(torch.equal(found[name], value) for name, value in tensors.items())
    assert found["n"].dtype == torch.bool


# --- config.toml


def test_a_newer_format_says_which_version_wrote_it(run):
    run.path.mkdir()
    (run.path / "config.toml").write_text(f'format = {FORMAT + 1}\nversion = "77.0"\n')
    with pytest.raises(RunFileError, match=r"77\.0") as caught:
        run.read_config()
    assert __version__ in caught.value.what and "upgrade" in caught.value.fix


def test_a_directory_without_config_is_no_run(run):
    with pytest.raises(RunFileError, match=r"config\.toml"):
        run.read_config()
    assert not run.is_run()


def test_another_programs_config_is_no_runs(run):
    run.path.mkdir()
    for content in ("[site]\ntitle = 'mine'\n", "no toml"):
        (run.path / "config.toml").write_text(content)
        assert not run.is_run()
    run.write_config(resolve("vae"))
    assert run.is_run()


# --- metrics.jsonl


def test_a_line_cut_short_is_left_out(run):
    run.path.mkdir()
    run.append_metrics({"step": 1, "a/b": 0.1})
    with run.metrics_file.open("a") as file:
        file.write('{"step": 2, "a/')
    assert run.read_metrics() == [{"step": 1, "a/b": 0.1}]


def test_lines_after_a_checkpoint_are_taken_back(run):
    run.path.mkdir()
    lines = [{"step": 1}, {"step": 9}, {"step": 2, "stage": "fit"}, {"step": 3, "stage": "fit"}]
    for line in lines:
        run.append_metrics(line)
    before = run.metrics_file.read_bytes()
    run.rewind_metrics("fit", 3)
    assert run.metrics_file.read_bytes() == before
    run.rewind_metrics("fit", 2)
    assert run.read_metrics() == lines[:3]
    run.rewind_metrics("train", 1)
    assert run.read_metrics() == lines[:1]


def test_no_metrics_are_an_empty_list(run):
    assert run.read_metrics() == []


# --- the finished model


def test_the_finished_model_goes_before_the_newest_checkpoint(run):
    saved(run, 1)
    assert run.read_model()["w"][0] == 1
    run.write_model({"w": torch.zeros(2)})
    assert run.read_model()["w"][0] == 0


def test_a_damaged_model_says_how_to_get_it_back(run):
    saved(run, 1)
    (run.path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(RunFileError) as caught:
        run.read_model()
    assert "model.safetensors" in caught.value.what and "--resume" in caught.value.fix


# --- paths


def test_paths_are_numbered_on(tmp_path):
    wanted = tmp_path / "a.b"
    assert newest_path(wanted) == new_path(wanted) == wanted
    for name in ("a.b", "a.b-2"):
        (tmp_path / name).mkdir()
    assert (new_path(wanted).name, newest_path(wanted).name) == ("a.b-3", "a.b-2")


# Inception's published weights are a pickle: checked by its hash, then read with weights_only=True. The
# constructor of its network insists on reading a file, so it is given an empty one.
UNAVOIDABLE = {
    "plugins": {
        "inception.py: import pickle",
        "inception.py:     torch.save({}, nothing)",
        "inception.py:     except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as err:",
        "inception.py:         "
        'found: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)',
    }
}


@pytest.mark.parametrize("folder", ["aezoo", "plugins"])
def test_nothing_reads_or_writes_pickles(folder):
    pickling = re.compile(
        r"\b(?:c?pickle|cloudpickle|dill|joblib|shelve)\b|torch\.(?:load|save)\b"
        r"|from torch import .*\b(?:load|save)\b|allow_pickle=True"
    )
    sources = list((ROOT / folder).rglob("*.py"))
    assert len(sources) > 10
    found = {
        f"{path.name}: {line}"
        for path in sources
        for line in path.read_text().splitlines()
        if pickling.search(line.partition("#")[0])
    }
    assert found == UNAVOIDABLE.get(folder, set())
