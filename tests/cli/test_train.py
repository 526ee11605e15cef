"""`aezoo train` and `reconstruct`: what they print, and with which exit code they leave."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from aezoo.rundir.rundir import RunDir
from tests.tiny import WORDS


def train(run, *arguments, steps=2):
    return run("train", *arguments, *WORDS, "--steps", steps)


def test_json_is_one_document_alone_on_stdout(run):
    code, out, _ = train(run, "flexae", "--json")
    document = json.loads(out)
    assert code == 0
    assert list(document) == ["run", "steps", "seconds", "images_per_s", "results"]
    assert (document["run"], document["steps"]) == ("runs/flexae-digits-s0", 2)
    assert document["results"][0]["metric"] == "sse"


def test_quiet_prints_nothing(run, tmp_path):
    assert train(run, "flexae", "--quiet", "--out", "mine") == (0, "", "")
    assert (tmp_path / "mine" / "model.safetensors").exists()


def test_a_training_ends_with_paths_and_shows_a_bar_on_stderr(run):
    code, out, err = train(run, "flexae")
    assert code == 0 and "runs/flexae-digits-s0" in out and "sse" in out
    assert "2/2" in err


def test_every_option_reaches_the_config(run, tmp_path):
    options = {
        ("--prior", "normal"): ("prior", "name", "normal"),
        ("--divergence", "wgan"): ("divergence", "name", "wgan"),
        ("--encoder", "gaussian"): ("encoder", "name", "gaussian"),
        ("--decoder", "backbone"): ("decoder", "name", "backbone"),
        ("--reconstruction", "l1"): ("reconstruction", "name", "l1"),
        ("--dataset", "digits"): ("dataset", "name", "digits"),
        ("--image-size", 10): ("dataset", "image_size", 10),
        ("--seed", 0): ("train", "seed", 0),
        ("--device", "cpu"): ("train", "device", "cpu"),
        ("--precision", "fp32"): ("train", "precision", "fp32"),
        ("--set", "ema.decay=0.5"): ("ema", "decay", 0.5),
    }
    flags = [word for option in options for word in option]
    code, _, err = train(
        run, *flags, "--regularizer", "l2-code", "--regularizer", "decoder-decay", "--out", "r"
    )
    assert code == 0, err
    config = tomllib.loads((tmp_path / "r" / "config.toml").read_text())
    assert {key: config[section][key] for section, key, _ in options.values()} == {
        key: value for _, key, value in options.values()
    }
    assert set(config["regularizer"]) == {"l2-code", "decoder-decay"}
    assert (config["train"]["batch_size"], config["train"]["latent_dim"]) == (8, 3)


@pytest.mark.parametrize(
    ("option", "key"),
    [
        *(
            (("--steps", "0"), "train.steps"),
            (("--seed", "-3"), "train.seed"),
            (("--batch-size", "0"), "batch_size"),
        ),
        *((("--device", "tpu"), "train.device"), (("--precision", "fp8"), "train.precision")),
        *((("--image-size", "0"), "dataset.image_size"), (("--latent-dim", "-1"), "train.latent_dim")),
    ],
)
def test_a_value_out_of_range_is_exit_2_naming_key_option_and_value(run, option, key):
    code, out, err = run("train", "flexae", *option)
    assert (code, out) == (2, "")
    assert key in err and option[0] in err and option[1] in err


def test_an_unknown_part_is_exit_2_with_the_option_and_the_nearest(run):
    code, _, err = run("train", "--prior", "pgenn", "--regularizer", "intrep")
    assert code == 2
    assert "--prior" in err and "'pgen'" in err and "--regularizer" in err and "'interp'" in err


def test_parts_that_do_not_go_together_are_exit_2_and_leave_nothing(run, tmp_path):
    code, _, err = run("train", "--prior", "pgen", "--divergence", "kl", "--encoder", "point")
    assert code == 2 and "kl" in err
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_exit_1(run):
    train(run, "flexae", "--out", "a", "--quiet")
    code, _, err = train(run, "flexae", "--out", "a", "--quiet")
    assert code == 1 and "--resume" in err and "--overwrite" in err
    assert train(run, "flexae", "--out", "a", "--quiet", "--overwrite")[0] == 0
    assert train(run, "flexae", "--out", "a", "--quiet", "--resume", steps=3)[0] == 0
    assert RunDir(Path("a")).load_latest()[0].step == 3


def test_the_resumed_runs_changed_key_is_exit_2(run):
    train(run, "flexae", "--out", "a", "--quiet")
    code, _, err = train(run, "flexae", "--out", "a", "--quiet", "--resume", "--seed", 5)
    assert code == 2 and "'train.seed'" in err and "5" in err


# --- --dry-run


def test_a_dry_run_shows_parts_weights_and_schedule_and_writes_nothing(run, tmp_path):
    code, out, _ = train(run, "flexae", "--dry-run", "--set", "optimizer.latent_critic.lr=0.25")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["encoder", "point", "547", "weights"] in lines
    assert [line[-2:] for line in lines if line[0] == "latent_critic"] == [["lr", "0.25"]]
    assert "batch autoencoder 5*(batch latent_critic) prior encoder" in out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_keeps_a_long_label_apart_from_its_name(run):
    named = ("--set", "regularizer.a-label-longer-than-the-column.name=interp")
    lines = [line.split() for line in train(run, "flexae", "--dry-run", *named)[1].splitlines()]
    assert ["regularizer.a-label-longer-than-the-column", "interp"] in [line[:2] for line in lines]


def test_a_dry_run_as_json_holds_the_same(run):
    _, out, err = train(run, "flexae", "--dry-run", "--json")
    plan = json.loads(out)
    assert err == ""
    assert plan["parts"]["divergence"] == "wgan" and plan["x"]["shape"] == [1, 8, 8]
    assert plan["parameters"]["encoder"] == 64 * 8 + 8 + 8 * 3 + 3
    assert set(plan["phases"]) == {"autoencoder", "latent_critic", "prior", "encoder"}


def test_a_bare_dry_run_is_the_default_recipe(run):
    _, out, _ = run("train", "--dry-run", "--json")
    assert json.loads(out)["run"] == "flexae-sr-digits-s0"


def test_a_dry_run_at_paper_scale_takes_its_networks(run):
    _, out, _ = run("train", "vae", "--scale", "paper", "--image-size", 28, "--dry-run", "--json")
    plan = json.loads(out)
    assert (plan["parts"]["backbone"], plan["steps"]) == ("flexae", 130_000)


# --- reconstruct


def test_reconstruct_writes_test_images_and_what_the_model_makes_of_them(run, tmp_path):
    train(run, "flexae", "--out", "a", "--quiet")
    assert run("reconstruct", "a", "-n", 5, "--out", "deep/rows.npz")[:2] == (0, "deep/rows.npz\n")
    with np.load(tmp_path / "deep" / "rows.npz") as arrays:
        assert arrays["x"].shape == arrays["x_hat"].shape == (5, 1, 8, 8)
        assert 0 < np.square(arrays["x"] - arrays["x_hat"]).sum(axis=(1, 2, 3)).mean() < 64
    assert run("reconstruct", "a")[0] == 0
    assert (tmp_path / "reconstructions.png").read_bytes().startswith(b"\x89PNG")
    assert run("reconstruct", "a", "--out", "a.jpg")[0] == 2
    assert run("reconstruct", "nowhere")[0] == 1
