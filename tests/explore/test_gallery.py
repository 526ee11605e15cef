"""What a report shows of a run that takes its model, and why where it cannot."""

import io

import pytest
from PIL import Image

from aezoo.drawing.pictures import LINE
from aezoo.explore.gallery import NEAREST, ROWS, STEPS, gallery, looks
from tests import tiny
from tests.report.runs import make_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    tiny.trained(folder / "images")
    tiny.trained(folder / "vectors", dataset="synthetic-2d")
    return folder


def test_images_give_paths_neighbours_and_codes_and_the_same_ones_again(trained):
    found = looks(trained / "images")
    assert found == looks(trained / "images")
    for picture, columns in ((found.interpolation, STEPS + 2), (found.neighbours, NEAREST + 1)):
        with Image.open(io.BytesIO(picture.png)) as image:
            assert image.height == ROWS * (48 + LINE) - LINE
            assert image.width > columns * 48
    assert len(found.codes.groups) == 10 and len(found.codes.prior) == 360


def test_vectors_give_codes_alone(trained):
    found = looks(trained / "vectors")
    assert "vectors" in found.interpolation.why and "vectors" in found.neighbours.why
    assert found.codes.prior


def test_a_run_whose_part_is_not_installed_says_so_and_the_others_are_shown(trained, tmp_path):
    run = make_run(tmp_path / "foreign")  # its parts are called `made-up`
    found = gallery({"foreign": run, "images": trained / "images"})
    assert "made-up" in found["foreign"].interpolation.why and str(tmp_path) not in found["foreign"].codes.why
    assert found["images"].interpolation.png


def test_a_part_of_others_that_breaks_costs_no_other_run_its_pictures(trained, monkeypatch):
    def broken(path, *, trust):
        raise ValueError(f"in {path}:\n  no good")

    monkeypatch.setattr("aezoo.explore.gallery.open_run", broken)
    assert looks(trained / "images").codes.why == "the run cannot be loaded: ValueError: in images: no good"
