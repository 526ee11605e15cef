"""metrics.jsonl in TensorBoard's event files."""

import json

import pytest

from aezoo.rundir import tensorboard
from tests.tiny import WORDS

TRAIN = ("train", "vae", *WORDS, "--quiet", "--no-evaluate", "--set", "train.log_every=1", "--out", "one")


def shown(folder) -> dict[str, list[tuple[int, float]]]:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reading.EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(one.step, pytest.approx(one.value)) for one in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def logged(folder) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()):
        stage = f"{line.pop('stage')}/" if "stage" in line else ""
        step = line.pop("step")
        for key, value in line.items():
            found.setdefault(stage + key, []).append((step, value))
    return found


def test_the_board_shows_what_the_log_says_also_after_a_resumed_run(run, tmp_path):
    pytest.importorskip("tensorboard")
    assert run(*TRAIN, "--tensorboard", "--steps", 3)[0] == 0
    assert run(*TRAIN, "--tensorboard", "--steps", 5, "--resume")[0] == 0
    found = shown(tmp_path / "one" / "tensorboard")
    assert [step for step, _ in found["autoencoder/bce"]] == [1, 2, 3, 4, 5]
    assert logged(tmp_path / "one") == found


def test_a_run_begun_without_the_board_may_go_on_with_it(run, tmp_path):
    pytest.importorskip("tensorboard")
    assert run(*TRAIN, "--steps", 2)[0] == 0
    assert not (tmp_path / "one" / "tensorboard").exists()
    assert run(*TRAIN, "--tensorboard", "--steps", 3, "--resume")[0] == 0
    assert logged(tmp_path / "one") == shown(tmp_path / "one" / "tensorboard")


def test_a_fitted_priors_own_stage_has_names_of_its_own(run, tmp_path):
    pytest.importorskip("tensorboard")
    smaller = ("--set", "prior.hidden=[4]", "--steps", 2)
    assert run("train", "two-stage-vae", *TRAIN[2:], "--tensorboard", *smaller)[0] == 0
    found = shown(tmp_path / "one" / "tensorboard")
    assert any(tag.startswith("fit/") for tag in found)
    assert logged(tmp_path / "one") == found


def test_without_the_package_nothing_is_begun_and_the_remedy_is_told(run, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    code, out, err = run(*TRAIN, "--tensorboard", "--steps", 2)
    assert code == 3 and out == "" and "pip install 'aezoo[tensorboard]'" in err
    assert not (tmp_path / "one").exists()


def test_a_run_that_replaces_another_shows_all_its_lines(run, tmp_path):
    pytest.importorskip("tensorboard")
    assert run(*TRAIN, "--steps", 2)[0] == 0
    every = ("--set", "checkpoint.every=2", "--set", "train.log_every=1")
    assert run(*TRAIN, "--tensorboard", "--overwrite", "--steps", 5, *every)[0] == 0
    assert logged(tmp_path / "one") == shown(tmp_path / "one" / "tensorboard")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
