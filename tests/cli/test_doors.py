"""What a careless user types: exit code, the offending value, a remedy; nothing is lost."""

import json
import shutil

import numpy as np
import pytest

from aezoo.rundir.rundir import RunDir
from tests.folders import contents, flip_a_bit
from tests.images import write_folder
from tests.tiny import WORDS

EVERY = ("--set", "checkpoint.every=2", "--set", "checkpoint.keep=9")


def train(run, *arguments, steps=2):
    return run("train", "vae", *WORDS, "--quiet", "--steps", steps, *arguments)


MISTYPED = {
    "recipe in capitals": (("train", "VAE"), "'VAE'", "'vae'"),
    "key without its section": (("train", "vae", "--set", "steps=3"), "'steps'", "'train.steps'"),
    "section as a value": (("train", "vae", "--set", "train=3"), "'train' cannot be 3", "train.KEY"),
    "part as a value": (("train", "vae", "--set", "prior=3"), "'prior' cannot be 3", "--set prior.KEY"),
    "name as a number": (("train", "vae", "--set", "prior.name=3"), "prior.name' cannot be 3", "aezoo list"),
    "own format": (("train", "vae", "--set", "format=7"), "'format' cannot be 7", "leave it out"),
    "own plugins": (("train", "vae", "--set", "plugins=['a.py']"), "a.py", "--plugin"),
    "waiting prior": (("train", "ae-gmm", "--set", "prior.during=nope"), "'nope'", "aezoo list prior"),
    "no waiting prior": (
        ("train", "ae-gmm", "--set", "prior.during.x=1"),
        "prior.during",
        "prior.during.name",
    ),
    "no class": (("train", "vae", "--prior", ":"), "':'", "module:Class"),
    "builtin class": (("train", "vae", "--prior", "collections:OrderedDict"), "OrderedDict", "numbers"),
    "broken class": (("train", "vae", "--prior", "broken_part:P"), "broken_part.py, line 2", "mend"),
    "directory as data": (("train", "vae", "--dataset", "./here"), "./here", "folder:./here"),
    "run as recipe": (("train", "here"), "here", "here/config.toml"),
}


@pytest.mark.parametrize("mistake", MISTYPED)
def test_a_mistyped_command_is_exit_2_with_value_and_remedy(mistake, run, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "config.toml").touch()
    (tmp_path / "broken_part.py").write_text("x = 1\nraise RuntimeError('no luck')\n")
    command, value, remedy = MISTYPED[mistake]
    code, out, err = run(*command)
    assert (code, out) == (2, "") and not (tmp_path / "runs").exists()
    said, _, fix = err.partition("fix:")
    assert value in said and remedy in fix, err


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("base = 3", "base", "3"),
        ('base = "vea"', "base in mine.toml", "'vea'"),
        ('base = "none.toml"', "base in mine.toml", "none.toml"),
        ("packages = 3", "packages", "3"),
        ('packages = {"prior/x" = 3}', "packages.prior/x", "3"),
        ("[on]\ndigits = 3", "on.digits", "3"),
        ("[scale]\npaper = 3", "scale.paper", "3"),
        ("train = 3", "train", "3"),
        ("[pior]", "pior", "'pior'"),
    ],
)
def test_a_file_of_another_outline_is_exit_2_with_key_and_value(text, key, value, run, tmp_path):
    (tmp_path / "mine.toml").write_text(text)
    code, _, err = run("train", "mine.toml", "--dry-run")
    what, _, where = err.partition("where:")
    assert code == 2 and value in what and key in where and "mine.toml" in where and "fix:" in where, err


@pytest.mark.parametrize(
    "error", [MemoryError("x"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory_is_exit_1_with_what_to_make_smaller(run, monkeypatch, error):
    def greedy(*arguments):
        raise error

    monkeypatch.setattr("aezoo.training.assemble.assemble", greedy)
    code, _, err = train(run)
    assert code == 1 and "memory" in err and "--batch-size" in err.partition("fix:")[2]


# --- run directories


@pytest.fixture
def trained(run, tmp_path):
    assert train(run, *EVERY, "--out", "run", steps=4) == (0, "", "")
    return RunDir(tmp_path / "run")


def test_a_damaged_checkpoint_is_passed_over_aloud_also_when_sampling(run, trained):
    (trained.path / "model.safetensors").unlink()
    flip_a_bit(trained.checkpoints / "step-000000004" / "model.safetensors")
    code, _, err = run("sample", "run", "-n", 2)
    assert code == 0 and "step-000000004" in err and "checksum" in err


def test_a_flipped_bit_in_the_finished_model_is_told_and_its_remedy_works(run, trained):
    whole = (trained.path / "model.safetensors").read_bytes()
    flip_a_bit(trained.path / "model.safetensors")
    code, _, err = run("sample", "run", "-n", 2)
    assert code == 1 and "model.safetensors" in err and "checksum" in err and "--resume" in err
    (trained.path / "model.safetensors").unlink()
    assert run("train", "run/config.toml", "--out", "run", "--resume", "--quiet")[0] == 0
    assert (trained.path / "model.safetensors").read_bytes() == whole


def test_no_whole_checkpoint_is_told_before_training_anew(run, trained):
    for name in trained.names():
        flip_a_bit(trained.checkpoints / name / "model.safetensors")
    code, _, err = train(run, *EVERY, "--out", "run", "--resume", steps=4)
    assert code == 0 and "step 0" in err


@pytest.mark.parametrize("command", ["sample", "resume"])
def test_checkpoints_of_a_newer_version_are_not_trained_over(command, run, trained):
    (trained.path / "model.safetensors").unlink()
    for name in trained.names():
        file = trained.checkpoints / name / "state.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99, "version": "9.9"}))
    before = contents(trained.checkpoints)
    code, _, err = (
        run("sample", "run")
        if command == "sample"
        else train(run, *EVERY, "--out", "run", "--resume", steps=4)
    )
    assert code == 1 and "9.9" in err and "upgrade aezoo" in err
    assert contents(trained.checkpoints) == before


@pytest.mark.parametrize("text", ["", "[train]\nsteps = 3\n"])
def test_a_config_that_is_no_runs_is_told_and_stays(text, run, trained):
    (trained.path / "config.toml").write_text(text)
    before = contents(trained.path)
    for code, _, err in (run("sample", "run"), train(run, "--out", "run", "--resume")):
        assert code == 1 and "no run directory" in err and "encoder" in err
    assert contents(trained.path) == before


def test_an_unknown_key_in_a_runs_config_names_the_file(run, trained):
    file = trained.path / "config.toml"
    file.write_text("nonsense = 3\n" + file.read_text())
    code, _, err = run("sample", "run")
    assert code == 2 and "'nonsense'" in err and "config.toml" in err


@pytest.mark.parametrize("out", ["file/x.png", "file/x", "file/deep/x.npz"])
def test_a_file_in_the_way_of_samples_is_told_and_stays(out, run, trained, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, _, err = run("sample", "run", "-n", 2, "--out", out)
    assert code == 1 and "file" in err and "fix:" in err and (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("out", ["faces", "", "."])
def test_samples_do_not_replace_pictures_in_a_directory(out, run, trained, tmp_path):
    write_folder(tmp_path / "faces")
    before = contents(tmp_path)
    code, _, err = run("sample", "run", "-n", 12, "--out", out)
    assert code == 2 and "not empty" in err and (out or ".") in err and "new directory" in err
    assert contents(tmp_path) == before


# --- which data it was


def test_a_run_finds_its_data_from_another_working_directory(run, tmp_path, monkeypatch):
    write_folder(tmp_path / "faces", count=20)
    assert train(run, "--dataset", "folder:faces", "--image-size", 8, "--out", "run")[0] == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["dataset"] == f"folder:{tmp_path / 'faces'}"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run("reconstruct", "../run", "-n", 2)[0] == 0
    again = ("train", "../run/config.toml", "--out", "../run", "--resume", "--steps", 4, "--quiet")
    assert run(*again)[0] == 0


def test_data_named_in_a_file_is_looked_for_beside_the_file(run, tmp_path):
    (tmp_path / "mine").mkdir()
    np.savez(tmp_path / "mine" / "rows.npz", x=np.zeros((40, 1, 8, 8), np.uint8))
    (tmp_path / "mine" / "run.toml").write_text('base = "vae"\ndataset = "npz:rows.npz"\n')
    assert run("train", "mine/run.toml", *WORDS, "--quiet", "--steps", 2, "--out", "run")[0] == 0
    shutil.rmtree(tmp_path / "mine")
    code, _, err = run("reconstruct", "run")
    assert code == 3 and str(tmp_path / "mine" / "rows.npz") in err
