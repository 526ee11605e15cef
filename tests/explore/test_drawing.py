"""Figures of what was found: what stands where."""

import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.drawing import pictures
from aezoo.explore import drawing
from aezoo.explore.cloud import Cloud
from aezoo.explore.drawing import ImageColumns, latent, table
from aezoo.explore.lineup import Lineup

UNIT = (0.0, 1.0)


def shades(rows: int, columns: int, channels: int = 1, side: int = 48) -> torch.Tensor:
    """Images [R, C, ...] of one shade each, all different."""
    shade = torch.arange(rows * columns).view(rows, columns, 1, 1, 1) / (rows * columns)
    return shade.expand(-1, -1, channels, side, side)


def pixels(figure) -> np.ndarray:
    with Image.open(io.BytesIO(pictures.png(figure))) as picture:
        return np.asarray(picture.convert("L"))


def texts(figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text()]


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_stands_in_its_place_pixel_by_pixel(channels):
    left, right = shades(2, 1, channels), 1 - shades(2, 3, channels)
    figure = table(
        [ImageColumns(left, ["a"]), ImageColumns(right, ["b", "c", "d"])], UNIT, title="t", notes=["1", "2"]
    )
    seen = pixels(figure)
    top = seen.shape[0] - drawing.MARGIN - 2 * 48 - pictures.LINE
    for row in range(2):
        y = top + row * (48 + pictures.LINE)
        for column in range(4):
            x = drawing.MARGIN + column * (48 + pictures.LINE) + (drawing.GAP - pictures.LINE) * (column > 0)
            shade = left[row, 0] if column == 0 else right[row, column - 1]
            part = seen[y : y + 48, x : x + 48]
            assert set(part.ravel().tolist()) == {round(float(shade.mean()) * 255)}
    assert texts(figure) == ["a", "b", "c", "d", "1", "2", "t"]


def test_a_lineup_names_its_rows_real_images_first():
    x = shades(3, 4)
    figure = drawing.lineup(Lineup(x[0], {"one": x[1], "a longer name": x[2]}, UNIT), UNIT)
    assert texts(figure) == ["test images", "one", "a longer name"]
    seen = pixels(figure)
    left = drawing.MARGIN + drawing.LETTER * len("a longer name") + 8
    for row in range(3):
        y = drawing.MARGIN + row * (48 + pictures.LINE)
        shade = round(float(x[row, 0].mean()) * 255)
        assert set(seen[y : y + 48, left : left + 48].ravel().tolist()) == {shade}
    assert (seen[:, : drawing.MARGIN] == 255).all()  # no name reaches out of the figure


def test_a_figure_is_as_wide_as_its_title():
    narrow = table([ImageColumns(shades(1, 1), ["a"])], UNIT)
    wide = table([ImageColumns(shades(1, 1), ["a"])], UNIT, title="a title that is wider than one image")
    assert pixels(wide).shape[1] > 2 * pixels(narrow).shape[1]


def cloud(count: int = 30, labels: bool = True, explained: bool = True) -> Cloud:
    points = torch.randn(count, 2, generator=torch.Generator().manual_seed(0))
    return Cloud(
        points,
        points.flip(1),
        torch.arange(count) % 3 if labels else None,
        torch.arange(count),
        torch.tensor([0.5, 0.25]) if explained else None,
    )


def legend(figure) -> list[str]:
    return [text.get_text() for found in figure.legends for text in found.get_texts()]


def test_classes_have_a_colour_and_a_line_of_the_legend_each():
    figure = latent(cloud(), ("cat", "dog", "cow", "absent"))
    assert legend(figure) == ["cat", "dog", "cow"]
    colours = figure.axes[0].collections[0].get_facecolors()
    assert len(np.unique(colours, axis=0)) == 3 and np.array_equal(colours[0], colours[3])


def test_a_thin_cloud_stands_in_a_square_of_equal_units():
    found = cloud()
    thin = replace(found, codes=found.codes * torch.tensor([50.0, 0.1]))
    figure = latent(thin)
    for ax in figure.axes:
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert right - left == pytest.approx(top - bottom)
        assert left < float(thin.codes[:, 0].min()) and right > float(thin.codes[:, 0].max())
    assert np.ptp(pixels(figure)) > 0


def test_more_classes_than_a_legend_holds_are_coloured_without_one():
    figure = latent(cloud(), [str(k) for k in range(21)])
    assert legend(figure) == [] and pictures.png(figure)


def test_axes_say_what_they_are():
    figure = latent(cloud(labels=False))
    assert figure.axes[0].get_xlabel() == "first principal component (50 %)"
    assert figure.axes[0].get_ylabel() == "second principal component (25 %)"
    assert latent(cloud(explained=False)).axes[1].get_xlabel() == "code 1"


@pytest.mark.parametrize(
    "draw",
    [lambda: latent(cloud(), ("a", "b", "c")), lambda: table([ImageColumns(shades(2, 2), "ab")], UNIT)],
)
def test_an_svg_repeats_byte_by_byte_and_says_no_date(draw):
    first, again = pictures.svg(draw()), pictures.svg(draw())
    assert first == again and b"date" not in first.lower()
    assert ET.fromstring(first).tag == "{http://www.w3.org/2000/svg}svg"
    assert pictures.png(draw()) == pictures.png(draw())


def test_an_svg_holds_its_images():
    text = pictures.svg(table([ImageColumns(shades(2, 2), "ab")], UNIT)).decode()
    assert text.count("data:image/png;base64") == 1
