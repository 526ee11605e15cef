"""Rows as pictures, arrays and directories."""

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.drawing.export import write_pairs, write_rows
from aezoo.errors import ConfigError

IMAGES = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0))
VECTORS = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
UNIT = (0.0, 1.0)


def test_an_npz_holds_the_rows_as_they_are(tmp_path):
    write_rows(tmp_path / "new" / "rows.npz", VECTORS, None)
    with np.load(tmp_path / "new" / "rows.npz") as arrays:
        assert arrays.files == ["x"] and arrays["x"].dtype == np.float32
        assert np.array_equal(arrays["x"], VECTORS.numpy())


def test_a_directory_holds_one_image_each_with_its_own_pixels(tmp_path):
    write_rows(tmp_path / "many", IMAGES, UNIT)
    files = sorted((tmp_path / "many").iterdir())
    assert [file.name for file in files[::11]] == ["00.png", "11.png"] and len(files) == 12
    with Image.open(files[3]) as picture:
        pixels = np.asarray(picture)
    assert np.array_equal(pixels, (IMAGES[3, 0] * 255).round().byte().numpy())


def test_a_picture_holds_all_rows(tmp_path):
    write_rows(tmp_path / "grid.png", IMAGES, UNIT)
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size[0] > picture.size[1] > 48


def test_pairs_are_arrays_or_a_picture(tmp_path):
    write_pairs(tmp_path / "pairs.npz", VECTORS, VECTORS + 1, None)
    with np.load(tmp_path / "pairs.npz") as arrays:
        assert np.array_equal(arrays["x_hat"], arrays["x"] + 1)
    write_pairs(tmp_path / "pairs.png", IMAGES, IMAGES, UNIT)
    with Image.open(tmp_path / "pairs.png") as picture:
        assert picture.size[0] > 48


@pytest.mark.parametrize("name", ["a.png", "a", "a.jpg"])
def test_vectors_and_strange_endings_are_refused_at_the_option(tmp_path, name):
    with pytest.raises(ConfigError) as caught:
        write_rows(tmp_path / name, VECTORS, None)
    assert caught.value.where == "--out" and ".npz" in caught.value.fix
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "a.gif"])
def test_pairs_are_never_a_directory(tmp_path, name):
    with pytest.raises(ConfigError) as caught:
        write_pairs(tmp_path / name, IMAGES, IMAGES, UNIT)
    assert caught.value.where == "--out"
