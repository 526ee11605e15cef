"""The Python verbs: what goes in, what a run directory holds, what comes back."""

import json
import random
import threading

import numpy as np
import pytest
import torch

import aezoo
from aezoo.cli.main import main
from aezoo.config.optimizer import OptimizerConfig
from aezoo.data.loading import load_data
from aezoo.errors import ConfigError, DivergedError, MissingError, RunFileError
from aezoo.parts.types import Data, Split
from aezoo.resolve import resolve
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir
from aezoo.verbs.plan import plan
from aezoo.verbs.train import TrainRequest, train
from tests.tiny import SETS, WORDS, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "vae", settings={"optimizer": {"betas": [0, 0.9]}})


def weights(path):
    return (path / "model.safetensors").read_bytes()


def samples(model):
    return model.sample(4, torch.Generator().manual_seed(0))


# --- what is left


def test_results_say_value_measure_and_protocol(run):
    results = json.loads((run.path / "results.json").read_text())
    assert RunDir(run.path).read_results() == run.results
    assert len(results.pop("sha256")) == 64 and results == run.results
    assert (results["recipe"], results["dataset"], results["seed"], results["steps"]) == (
        "vae",
        "digits",
        0,
        2,
    )
    row = results["results"][0]
    assert (row["metric"], row["of"], row["split"], row["n_real"]) == ("sse", "reconstruction", "test", 360)
    x = (data := load_data(run.config)).x(data.test.values)
    error = (x - run.model.reconstruct(x)).square().flatten(1).sum(dim=1).mean()
    assert row["value"] == pytest.approx(float(error), rel=1e-5)


def test_config_toml_is_the_runs_config(run):
    assert resolve(run.path / "config.toml") == run.config
    assert read_config(RunDir(run.path)) == run.config
    assert run.config.x.shape == (1, 8, 8)


def test_training_from_config_toml_repeats_the_run(run, tmp_path):
    again = aezoo.train(run.path / "config.toml", out=tmp_path / "again")
    assert weights(again.path) == weights(run.path)
    assert again.config == run.config


def test_the_same_run_comes_back_whatever_the_callers_random_state(run, tmp_path):
    torch.manual_seed(99)
    again = trained(tmp_path / "again", settings={"optimizer": {"betas": [0, 0.9]}})
    assert weights(again.path) == weights(run.path)


def test_training_leaves_the_callers_random_state(tmp_path):
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    trained(tmp_path / "run", "ae-gmm")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1]) and random.getstate() == before[2]


def test_training_works_in_a_thread(tmp_path, run):
    settings = {"optimizer": {"betas": [0, 0.9]}}
    thread = threading.Thread(target=trained, args=(tmp_path / "run",), kwargs={"settings": settings})
    thread.start()
    thread.join()
    assert weights(tmp_path / "run") == weights(run.path)


def test_without_out_runs_are_numbered_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [str(trained(None).path) for _ in range(2)]
    assert paths == ["runs/vae-digits-s0", "runs/vae-digits-s0-2"]


def test_averaged_weights_are_the_model(tmp_path):
    plain, averaged = trained(tmp_path / "a"), trained(tmp_path / "b", settings={"ema": {"decay": 0.5}})
    assert weights(plain.path) != weights(averaged.path)
    assert averaged.results["results"][0]["weights"] == "averaged"
    checkpoint = RunDir(averaged.path).load_latest()[0]
    average = checkpoint.trainer["average/encoder.mean.weight"]
    assert torch.equal(averaged.model.encoder.mean.weight, average)


@pytest.mark.slow
def test_averaging_does_not_spoil_a_short_training(tmp_path):
    """With BatchNorm, and a decay that reaches ten times further back than the training lasts."""
    sse = {}
    for decay in (0.0, 0.999):
        run = aezoo.train("vae", steps=300, out=tmp_path / str(decay), settings={"ema": {"decay": decay}})
        rows = run.results["results"]
        (sse[decay],) = (
            row["value"] for row in rows if (row["metric"], row["of"]) == ("sse", "reconstruction")
        )
    assert sse[0.999] < 1.1 * sse[0.0]


# --- where it goes


def test_an_existing_run_is_refused_then_replaced(tmp_path):
    path = trained(tmp_path / "run").path
    before = weights(path)
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9}\n')
    with pytest.raises(RunFileError) as caught:
        trained(path, seed=1)
    assert (caught.value.exit_code, weights(path)) == (1, before)
    assert "--overwrite" in caught.value.fix and "--resume" in caught.value.fix
    trained(path, seed=1, overwrite=True)
    assert weights(path) != before
    assert [line["step"] for line in RunDir(path).read_metrics()] == [1]


@pytest.mark.parametrize("option", ["overwrite", "resume"])
@pytest.mark.parametrize("name", ["thesis.tex", "README.md"])
def test_a_directory_that_is_no_run_is_never_touched(tmp_path, option, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunFileError):
        trained(tmp_path, **{option: True})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize("content", ["[site]\ntitle = 'mine'\n", "no toml"])
def test_another_programs_config_toml_makes_no_run(tmp_path, content):
    (tmp_path / "config.toml").write_text(content)
    with pytest.raises(RunFileError):
        trained(tmp_path, overwrite=True)
    assert (tmp_path / "config.toml").read_text() == content


def test_a_file_is_no_run_directory(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(RunFileError):
        trained(tmp_path / "run", overwrite=True)
    assert (tmp_path / "run").read_text() == "mine"


# --- parts of one's own

OWN = """
import torch
from torch import nn

class Enc(nn.Module):
    def __init__(self, latent_dim: int = 3, width: int = 4):
        super().__init__()
        self.latent_dim = latent_dim
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.Tanh(), nn.Linear(width, latent_dim))
    def forward(self, x):
        return self.net(x)

class Dec(nn.Module):
    def __init__(self, latent_dim: int = 3):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(latent_dim, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    def forward(self, z):
        return self.net(z)

class Needy(Enc):
    def __init__(self, width: int):
        super().__init__(3, width)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_parts.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_parts

    yield own_parts
    del __import__("sys").modules["own_parts"]


def test_modules_of_ones_own_train_reload_and_train_again_from_their_config(own, tmp_path):
    run = trained(tmp_path / "run", "flexae", encoder=own.Enc(), decoder=own.Dec())
    model = aezoo.load(run.path)
    assert model.sample(2).shape == (2, 1, 8, 8)
    assert isinstance(model.encoder.module, own.Enc)
    again = aezoo.train(run.path / "config.toml", out=tmp_path / "again")
    assert torch.equal(samples(aezoo.load(again.path)), samples(again.model))


def test_classes_of_ones_own_in_toml_take_settings_and_repeat(own, tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(
        'base = "flexae"\nencoder = { name = "own_parts:Enc", width = 5 }\ndecoder = "own_parts:Dec"\n'
        "train = { steps = 2, batch_size = 8, latent_dim = 3 }\n"
    )
    run = aezoo.train(file, out=tmp_path / "run")
    assert aezoo.load(run.path).encoder.module.net[1].out_features == 5
    again = aezoo.train(run.path / "config.toml", out=tmp_path / "again")
    assert weights(again.path) == weights(run.path)


def test_a_module_that_needs_arguments_reloads_with_a_module_to_fill(own, tmp_path):
    run = trained(tmp_path / "run", "flexae", encoder=own.Needy(6))
    with pytest.raises(ConfigError, match="width"):
        aezoo.load(run.path)
    filled = aezoo.load(run.path, modules={"encoder": own.Needy(6)})
    again = trained(run.path, "flexae", encoder=own.Needy(6), steps=4, resume=True)
    assert again.results["steps"] == 4
    assert filled.encode(torch.zeros(1, 1, 8, 8)).z.shape == (1, 3)
    with pytest.raises(RunFileError, match="shape"):
        aezoo.load(run.path, modules={"encoder": own.Needy(7)})


def test_a_module_for_a_section_that_no_run_has_is_refused_with_those_that_it_has(own, tmp_path):
    run = trained(tmp_path / "run", "flexae", encoder=own.Needy(6))
    for verb in (aezoo.load, aezoo.evaluate):
        with pytest.raises(ConfigError, match="'encodr'") as caught:
            verb(run.path, modules={"encodr": own.Needy(6)})
        assert "did you mean 'encoder'" in caught.value.fix and "decoder" in caught.value.fix
    with pytest.raises(ConfigError, match="'encodr'"):
        train(TrainRequest(config=run.config, modules={"encodr": own.Needy(6)}, out=tmp_path / "other"))
    with pytest.raises(ConfigError, match="modules"):
        trained(tmp_path / "more", "flexae", modules={"encodr": own.Needy(6)})


def test_a_class_that_is_gone_is_exit_3_by_name(own, tmp_path):
    run = trained(tmp_path / "run", "flexae", encoder=own.Enc())
    config = run.path / "config.toml"
    config.write_text(config.read_text().replace("own_parts:", "own_gone:"))
    with pytest.raises(MissingError, match="own_gone"):
        aezoo.load(run.path, trust=True)


def test_a_table_names_the_part_and_its_settings(tmp_path):
    run = trained(tmp_path / "run", "vae", prior={"name": "gmm", "components": 2})
    assert (run.config.prior.name, run.config.prior.get("components")) == ("gmm", 2)


@pytest.mark.parametrize("part", [OptimizerConfig(), True, 3], ids=["settings", "bool", "number"])
def test_what_is_neither_name_nor_table_nor_module_is_no_part(tmp_path, part):
    with pytest.raises(ConfigError, match="'prior' cannot be") as err:
        trained(tmp_path / "run", "vae", prior=part)
    assert err.value.where == "prior in train()" and not (tmp_path / "run").exists()


def test_regularizers_are_names_or_tables(tmp_path):
    names = trained(tmp_path / "a", regularizers=["l2-code"]).config.regularizer
    tables = trained(tmp_path / "b", regularizers={"l2-code": {"weight": 0.5}}).config.regularizer
    assert set(names) == {"l2-code"} and tables["l2-code"].get("weight") == 0.5


def test_list_components_is_a_verb_too():
    assert {"pgen", "normal"} <= {info.name for info in aezoo.list_components("prior")}


# --- loading


def test_loading_what_is_no_run_is_said(tmp_path):
    with pytest.raises(RunFileError, match=tmp_path.name):
        aezoo.load(tmp_path)


def test_a_run_that_is_still_training_loads_from_its_newest_checkpoint(tmp_path):
    path = trained(tmp_path / "run").path
    expected = samples(aezoo.load(path))
    (path / "model.safetensors").unlink()
    assert torch.equal(samples(aezoo.load(path)), expected)


def test_a_loaded_model_is_in_evaluation_mode_on_the_cpu(run):
    model = aezoo.load(run.path)
    assert not any(part.training for part in model.modules()) and model.device.type == "cpu"


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="needs a machine without MPS")
def test_a_device_that_is_not_there_lists_those_that_are(tmp_path):
    with pytest.raises(ConfigError, match="mps") as caught:
        trained(tmp_path / "run", device="mps")
    assert "cpu" in caught.value.fix


# --- while training


def test_looking_while_training_works_before_a_prior_is_fitted(tmp_path):
    looking = {"evaluate": {"every": 1}}
    path = trained(tmp_path / "run", "ae-gmm", settings=looking).path
    assert len(list((path / "samples").iterdir())) == 2
    assert all(line["evaluate/train_sse"] > 0 for line in RunDir(path).read_metrics())
    plain = trained(tmp_path / "plain", "ae-gmm")
    assert weights(path) == weights(plain.path)


@pytest.mark.parametrize(("rows", "name"), [(20, "validation_sse"), (0, "train_sse")])
def test_looking_while_training_does_not_touch_the_test_rows(tmp_path, rows, name):
    """Whoever stops or chooses by what the log says would otherwise have chosen on test data."""
    x = torch.rand(60, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    parts = {"train": Split(x[:40]), "validation": Split(x[40:]) if rows else None}

    def logged(shade):
        test = Split(torch.full((9, 1, 6, 6), shade))
        data = Data("made-up", (1, 6, 6), (0.0, 1.0), test=test, **parts)
        settings = {"evaluate": {"every": 1, "end": False}}
        path = trained(tmp_path / f"run{shade}", "vae", dataset=data, settings=settings).path
        lines = RunDir(path).read_metrics()
        return [{key: line[key] for key in line if key.startswith("evaluate/")} for line in lines]

    assert logged(0.0) == logged(1.0)
    assert [list(line) for line in logged(0.5)] == [[f"evaluate/{name}"]] * 2


def test_a_loss_that_is_not_finite_names_phase_and_term_and_keeps_the_last_good_checkpoint(tmp_path):
    settings = {
        "checkpoint": {"every": 2},
        "optimizer": {"autoencoder": {"name": "sgd", "lr": 0.01, "momentum": 0.0}},
    }
    run = trained(tmp_path / "run", "ae-gmm", steps=2, settings=settings, log_every=1)
    good = RunDir(run.path).load_latest()[0]
    config = run.path / "config.toml"
    config.write_text(config.read_text().replace("lr = 0.01", "lr = 1e30"))
    with pytest.raises(DivergedError) as caught:
        aezoo.train(config, out=run.path, resume=True, steps=40)
    assert caught.value.exit_code == 4
    assert "autoencoder/" in caught.value.what and "lr" not in caught.value.what
    left = RunDir(run.path).load_latest()[0]
    assert left.step >= good.step and all(bool(w.isfinite().all()) for w in left.model.values())


def test_diverging_is_exit_4_on_the_command_line(tmp_path, monkeypatch, capsys):
    sets = ["--set", "optimizer.lr=1e10", "--set", "optimizer.name=sgd", "--set", "train.log_every=1"]
    words = [*WORDS, "--steps", "50", "--quiet", "--out", str(tmp_path / "run"), *sets]
    monkeypatch.setattr("sys.argv", ["aezoo", "train", "ae-gmm", *words])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert (left.value.code, out) == (4, "")
    assert "autoencoder/" in err and "clip" in err


# --- a plan


def test_a_plan_counts_the_weights_each_phase_moves():
    found = plan(TrainRequest(config=resolve("flexae", sets=SETS)))
    counts = found["parameters"]
    assert found["phases"]["autoencoder"]["weights"] == counts["encoder"] + counts["decoder"]
    assert found["phases"]["prior"]["weights"] == counts["prior"] > 0
    assert found["schedule"].startswith("batch autoencoder 5*(batch latent_critic)")
    assert counts["encoder"] == 64 * 8 + 8 + 8 * 3 + 3
