"""`aezoo sample`: pictures, arrays and directories that repeat."""

import numpy as np
import pytest

import aezoo
from tests import tiny

RUNS = ("images", "vectors", "other")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs on images, and one on vectors."""
    folder = tmp_path_factory.mktemp("runs")
    tiny.trained(folder / "images", "flexae")
    tiny.trained(folder / "vectors", dataset="synthetic-2d")
    tiny.trained(folder / "other")
    return folder


@pytest.fixture
def sample(run, trained):
    """`aezoo sample` with these words, of which RUNS are names of runs."""

    def call(*words) -> tuple[int, str, str]:
        return run("sample", *(trained / word if word in RUNS else word for word in words))

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


# -- several runs --------------------------------------------------------------------------------------


def test_several_runs_give_a_row_each_of_what_each_alone_would_give(sample, tmp_path):
    for name in ("images", "other"):
        assert sample(name, "-n", 3, "--seed", 4, "--out", f"{name}.npz")[0] == 0
    assert sample("images", "other", "-n", 3, "--seed", 4, "--out", "both.npz")[0] == 0
    alone, other, both = (_arrays(tmp_path / f"{name}.npz") for name in ("images", "other", "both"))
    assert set(both) == {"test", "flexae", "vae"} and both["test"].shape == (3, 1, 8, 8)
    assert np.array_equal(both["flexae"], alone["x"]) and np.array_equal(both["vae"], other["x"])


def _arrays(path):
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_of_several_runs_repeats_under_its_seed_and_changes_with_it(sample, tmp_path, ending):
    for name, seed in (("one", 5), ("same", 5), ("last", 6)):
        assert sample("images", "other", "--seed", seed, "--out", f"{name}.{ending}")[0] == 0
    one, same, other = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("one", "same", "last"))
    assert one == same and one != other


@pytest.mark.parametrize(
    ("arguments", "expected", "told"),
    [
        (["images", "vectors", "--out", "a.png"], 2, "was trained on synthetic-2d"),
        (["images", "images", "--out", "a.png"], 2, "is named twice"),
        (["images", "other", "--out", "folder"], 2, "end it in .png or .svg or .npz"),
        (["images", "nowhere", "--out", "a.png"], 1, "nowhere is no run directory"),
    ],
)
def test_runs_that_cannot_stand_side_by_side_are_told(sample, tmp_path, arguments, expected, told):
    code, _, err = sample(*arguments)
    assert code == expected and told in err
    assert not (tmp_path / "a.png").exists()
