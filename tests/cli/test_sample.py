"""`aezoo sample`: pictures, arrays and directories that repeat."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import aezoo
from aezoo.cli.main import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on images, and one on vectors."""
    folder = tmp_path_factory.mktemp("runs")
    tiny = {"steps": 2, "batch_size": 8, "latent_dim": 3, "critic_steps": 1}
    aezoo.train("flexae", backbone={"name": "mlp", "hidden": [16]}, out=folder / "images", **tiny)
    aezoo.train("vae", dataset="synthetic-2d", out=folder / "vectors", **tiny)
    return folder


@pytest.fixture
def sample(monkeypatch, capsys, tmp_path, trained):
    monkeypatch.chdir(tmp_path)

    def call(run, *arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aezoo", "sample", str(trained / run), *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call


@pytest.mark.parametrize("name", ["a.png", "a.npz", "a"])
def test_samples_repeat_under_their_seed_and_change_with_it(sample, tmp_path, name):
    for folder, seed in (("one", 5), ("same", 5), ("other", 6)):
        (tmp_path / folder).mkdir()
        assert sample("images", "-n", 3, "--seed", seed, "--out", f"{folder}/{name}") == (
            0,
            f"{folder}/{name}\n",
            "",
        )
    one, same, other = ([*_contents(tmp_path / folder)] for folder in ("one", "same", "other"))
    assert one == same and one != other


def _contents(folder):
    for path in sorted(folder.rglob("*.*")):
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                yield arrays["x"].tobytes()
        else:
            yield path.read_bytes()


def test_an_npz_holds_as_many_as_asked_for_in_the_range(sample):
    sample("images", "-n", 7, "--out", "a.npz")
    with np.load("a.npz") as arrays:
        assert arrays["x"].shape == (7, 1, 8, 8) and arrays["x"].dtype == np.float32
        assert 0 <= arrays["x"].min() < arrays["x"].max() <= 1


def test_the_command_draws_what_python_draws(sample, trained):
    from aezoo.randomness import generator_for

    sample("images", "-n", 4, "--seed", 2, "--out", "a.npz")
    expected = aezoo.load(trained / "images").sample(4, generator_for("cpu", 2, "sample"))
    with np.load("a.npz") as arrays:
        assert np.array_equal(arrays["x"], expected.numpy())


def test_a_grid_of_64_is_the_default(sample, tmp_path):
    from PIL import Image

    assert sample("images")[:2] == (0, "grid.png\n")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size[0] == picture.size[1] > 8 * 48


def test_vectors_go_into_an_npz_only(sample):
    assert sample("vectors", "-n", 3, "--out", "a.npz")[0] == 0
    code, out, err = sample("vectors", "--out", "a.png")
    assert (code, out) == (2, "") and ".npz" in err and "--out" in err


def test_another_ending_is_exit_2(sample):
    code, _, err = sample("images", "--out", "a.jpg")
    assert code == 2 and ".jpg" in err


def test_what_is_no_run_is_exit_1(sample):
    code, _, err = sample("nothing")
    assert code == 1 and "nothing" in err


@pytest.mark.parametrize("option", [("-n", 0), ("--seed", -1)])
def test_numbers_out_of_range_are_exit_2(sample, option):
    assert sample("images", *option)[0] == 2
