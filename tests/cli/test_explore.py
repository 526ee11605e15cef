"""`aezoo interpolate`, `traverse`, `neighbours`, `latent`, `embed`: files that repeat, and refusals."""

import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from aezoo import explore
from tests import tiny
from tests.images import write_folder

COMMANDS = ("interpolate", "traverse", "neighbours", "latent")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on images with classes, one on vectors, and one on images without labels."""
    folder = tmp_path_factory.mktemp("runs")
    tiny.trained(folder / "images")
    tiny.trained(folder / "vectors", dataset="synthetic-2d")
    path = str(write_folder(folder / "files", count=20))
    dataset = {"name": "folder", "path": path, "image_size": 8}
    tiny.trained(folder / "plain", dataset=dataset)
    return folder


def words(command: str, path) -> list[str]:
    return [command, str(path), *(["--attribute", "3"] if command == "traverse" else [])]


@pytest.mark.parametrize("command", COMMANDS)
def test_pictures_and_arrays_repeat_under_their_seed_and_change_with_it(run, tmp_path, trained, command):
    for ending in ("png", "svg", "npz"):
        outs = [f"new/{name}.{ending}" for name in ("one", "same", "other")]
        for out, seed in zip(outs, (5, 5, 6), strict=True):
            found = run(*words(command, trained / "images"), "-n", 3, "--seed", seed, "--out", out)
            assert found == (0, f"{out}\n", "")
        one, same, other = ((tmp_path / out).read_bytes() for out in outs)
        assert one == same and one != other
    with Image.open(tmp_path / "new" / "one.png") as picture:
        assert min(picture.size) > 90
    assert ET.parse(tmp_path / "new" / "one.svg").getroot().tag.endswith("svg")


def arrays(path) -> dict[str, np.ndarray]:
    with np.load(path) as found:  # nothing in it needs pickle
        return {name: found[name] for name in found.files}


def test_the_command_finds_what_python_finds(run, tmp_path, trained):
    run("interpolate", trained / "images", "-n", 2, "--steps", 3, "--mode", "spherical", "--out", "a.npz")
    model, data = explore.open_run(trained / "images")
    expected = explore.interpolate(model, data, n=2, steps=3, mode="spherical")
    found = arrays(tmp_path / "a.npz")
    assert np.array_equal(found["x_hat"], expected.x_hat.numpy())
    assert np.array_equal(found["rows"], expected.rows.numpy()) and found["rows"].dtype == np.int64


def test_without_the_real_images_a_picture_is_narrower(run, tmp_path, trained):
    run("interpolate", trained / "images", "-n", 1, "--steps", 3, "--out", "real.png")
    run("interpolate", trained / "images", "-n", 1, "--steps", 3, "--no-real", "--out", "bare.png")
    assert width(tmp_path / "real.png") - width(tmp_path / "bare.png") == 2 * (48 + 12)


def width(path) -> int:
    with Image.open(path) as picture:
        return picture.size[0]


def test_new_images_are_those_of_sample(run, tmp_path, trained):
    run("neighbours", trained / "images", "-n", 4, "-k", 2, "--seed", 2, "--out", "a.npz")
    run("sample", trained / "images", "-n", 4, "--seed", 2, "--out", "b.npz")
    assert np.array_equal(arrays(tmp_path / "a.npz")["x_hat"], arrays(tmp_path / "b.npz")["x"])


def test_neighbours_are_those_of_the_pixels_where_no_space_is_named(run, tmp_path, trained):
    for out, words in (("a.npz", ()), ("b.npz", ("--space", "pixels"))):
        assert run("neighbours", trained / "images", *words, "--out", out)[0] == 0
    one, other = arrays(tmp_path / "a.npz"), arrays(tmp_path / "b.npz")
    assert np.allclose(one["distance"], other["distance"], atol=8 * 0.5 / 255)  # an extractor sees 8 bits


def test_an_embedding_comes_back(run, tmp_path, trained):
    assert run("embed", trained / "images", "--out", "new/a.npz")[:2] == (0, "new/a.npz\n")
    first = (tmp_path / "new" / "a.npz").read_bytes()
    model, data = explore.open_run(trained / "images")
    found = arrays(tmp_path / "new" / "a.npz")
    assert found["train"].shape == (len(data.train), 3) and found["train"].dtype == np.float32
    assert np.array_equal(found["test_labels"], data.test.labels.numpy())
    assert np.allclose(found["test"], model.encode(data.x(data.test.values)).z.numpy(), atol=1e-6)
    assert np.array_equal(found["test_mean"], found["test"]) and "train_log_var" in found
    run("embed", trained / "images", "--out", "new/a.npz")
    assert (tmp_path / "new" / "a.npz").read_bytes() == first


@pytest.mark.parametrize("command", COMMANDS[:3])
def test_vectors_go_into_an_npz_only(run, trained, command):
    assert run(*words(command, trained / "vectors"), "-n", 2, "--out", "a.npz")[0] == 0
    code, out, err = run(*words(command, trained / "vectors"), "-n", 2, "--out", "a.svg")
    assert (code, out) == (2, "") and ".npz" in err and "--out" in err


def test_codes_of_vectors_have_their_picture(run, trained):
    assert run("latent", trained / "vectors", "-n", 50)[:2] == (0, "latent.png\n")


def test_data_without_labels_have_no_direction_and_a_cloud_of_one_colour(run, trained):
    code, _, err = run("traverse", trained / "plain", "--attribute", "Smiling")
    assert code == 2 and "neither attributes nor classes" in err and "--attribute" in err
    assert run("latent", trained / "plain", "--out", "a.npz")[0] == 0
    assert run("embed", trained / "plain")[:2] == (0, "codes.npz\n")


@pytest.mark.parametrize(
    ("command", "option", "said"),
    [
        ("interpolate", ("-n", 181), "181 pairs"),
        ("interpolate", ("-n", 0), "-n"),
        ("interpolate", ("--steps", 1), "--steps"),
        ("interpolate", ("--mode", "square"), "--mode"),
        ("traverse", ("-n", 1000), "1000 of"),
        ("traverse", ("--range", "1"), "'1' is no range"),
        ("traverse", ("--range", "2,-2"), "--range"),
        ("traverse", ("--steps", 1), "--steps"),
        ("traverse", ("--attribute", "11"), "no attribute and no class '11'"),
        ("neighbours", ("-k", 5000), "5000 neighbours"),
        ("neighbours", ("--space", "pixel"), "did you mean 'pixels'"),
        ("neighbours", ("--space", "identity"), "--space"),
        ("latent", ("-n", 361), "361 of 360"),
        ("latent", ("--out", "a.jpg"), ".jpg"),
        ("embed", ("--out", "a.png"), ".npz"),
        ("neighbours", ("--out", "somewhere"), "somewhere"),
    ],
)
def test_what_cannot_be_is_exit_2_and_leaves_no_file(run, tmp_path, trained, command, option, said):
    code, out, err = run(*words(command, trained / "images"), *option)
    assert (code, out) == (2, "") and said in err
    assert not list(tmp_path.glob("*.*"))


def test_data_of_another_shape_than_before_are_exit_2(run, tmp_path):
    path = write_folder(tmp_path / "files", mode="RGB")
    dataset = {"name": "folder", "path": str(path), "image_size": 0, "test": 0.2}
    tiny.trained(tmp_path / "run", dataset=dataset)
    shutil.rmtree(path)
    write_folder(path, mode="L")
    code, _, err = run("latent", tmp_path / "run")
    assert code == 2 and "(1, 16, 20)" in err and "(3, 16, 20)" in err


def test_without_an_attribute_there_is_no_traversal(run, trained):
    code, _, err = run("traverse", trained / "images")
    assert code == 2 and "--attribute" in err


@pytest.mark.parametrize("command", [*COMMANDS, "embed"])
def test_what_is_no_run_is_exit_1(run, tmp_path, command):
    code, _, err = run(*words(command, tmp_path))
    assert code == 1 and str(tmp_path) in err
