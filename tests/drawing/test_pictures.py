"""Pictures: what stands where, and files that are whole."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.drawing import pictures
from aezoo.errors import ConfigError

LINE, GREY = pictures.LINE, pictures.GREY


def pixels(picture):
    return np.asarray(picture)


def flat(values, side=8, channels=1):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, channels, side, side)


def test_small_images_are_enlarged_without_smoothing():
    image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    sheet = pixels(pictures.grid(image))
    assert sheet.shape == (48, 48)
    assert np.array_equal(sheet[::6, ::6], (image[0, 0] * 255).round().byte().numpy())
    assert np.array_equal(sheet[::6], sheet[5::6])


def test_images_stand_in_rows_with_thin_lines_between():
    sheet = pixels(pictures.grid(flat([0.0, 0.2, 0.4, 0.6, 1.0], side=48), columns=3))
    assert sheet.shape == (2 * 48 + LINE, 3 * 48 + 2 * LINE)
    assert [sheet[5, 5 + i * (48 + LINE)] for i in range(3)] == [0, 51, 102]
    assert [sheet[60, 5 + i * (48 + LINE)] for i in range(3)] == [153, 255, GREY]
    assert (sheet[48 : 48 + LINE] == GREY).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (5, "RGB")])
def test_channels_decide_between_grey_and_colour(channels, mode):
    assert pictures.grid(flat([0.5], channels=channels)).mode == mode


def test_the_range_is_mapped_to_black_and_white_and_cut():
    sheet = pixels(pictures.grid(flat([-1.0, 0.0, 1.0, 7.0, float("nan")], side=48), 5, (-1.0, 1.0)))
    assert [sheet[0, i * (48 + LINE)] for i in range(5)] == [0, 128, 255, 255, 0]


def test_wide_images_keep_their_size():
    assert pictures.grid(torch.zeros(1, 3, 30, 64)).size == (64, 30)


@pytest.mark.parametrize("images", [torch.zeros(0, 1, 8, 8), torch.zeros(4, 128)])
def test_vectors_and_empty_batches_are_refused(images):
    with pytest.raises(ConfigError, match="cannot arrange"):
        pictures.grid(images)


def test_pairs_alternate_real_and_reconstruction():
    sheet = pixels(pictures.pairs(flat([0.0] * 4, 48), flat([1.0] * 4, 48), columns=2))
    assert [sheet[5 + i * (48 + LINE), 0] for i in range(4)] == [0, 255, 0, 255]


def test_pairs_fewer_than_the_columns_stand_in_one_row():
    assert pictures.pairs(flat([0.0] * 3, 48), flat([1.0] * 3, 48)).size == (3 * 48 + 2 * LINE, 96 + LINE)


def test_pairs_of_different_shapes_are_refused():
    with pytest.raises(ConfigError, match="differ in shape"):
        pictures.pairs(flat([0.0]), flat([0.0, 1.0]))


def test_scatter_shows_the_plane_in_which_the_real_vectors_vary():
    real = torch.randn(200, 6, generator=torch.Generator().manual_seed(0)) * 0.01
    real[:, 4] += torch.linspace(-9, 9, 200)
    shifted = real + torch.tensor([0.0, 0, 0, 0, 5.0, 0])
    figure = pictures.scatter(real, shifted)
    first, second = (c.get_offsets() for c in figure.axes[0].collections)
    assert np.allclose(second[:, 0] - first[:, 0], 5.0, atol=1e-2)


def test_scatter_takes_vectors_of_one_coordinate():
    assert pictures.png(pictures.scatter(torch.randn(9, 1), torch.randn(5, 1)))


def test_curves_have_a_plot_for_each_phase_and_a_line_for_each_term():
    lines = [
        {"step": 10, "autoencoder/mse": 3.0, "latent_critic/penalty": 0.1, "seconds": 1.0},
        {"step": 20, "autoencoder/mse": 2.0, "autoencoder/l2": 1, "latent_critic/penalty": None},
        {"step": 30, "autoencoder/mse": float("nan")},
    ]
    figure = pictures.curves(lines)
    assert [ax.get_title() for ax in figure.axes] == ["autoencoder", "latent_critic"]
    first, l2 = figure.axes[0].get_lines()
    assert (first.get_label(), l2.get_label()) == ("mse", "l2")
    assert first.get_xydata().tolist() == [[10, 3], [20, 2]]


def test_curves_of_nothing_are_an_empty_picture():
    assert pictures.png(pictures.curves([]))


def test_pyplot_is_never_loaded():
    code = (
        "import sys, torch; from aezoo.drawing import pictures as p;"
        "assert 'matplotlib' not in sys.modules and 'PIL' not in sys.modules;"
        "sys.stdout.buffer.write(p.png(p.curves([{'step': 1, 'a/b': 1.0}])));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    with Image.open(io.BytesIO(done.stdout)) as picture:
        assert picture.size[0] > 100


def test_the_same_picture_is_the_same_bytes():
    first, again = (pictures.png(pictures.curves([{"step": 1, "a/b": 1.0}])) for _ in range(2))
    assert first == again
