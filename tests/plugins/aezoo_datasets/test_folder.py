"""Folders of images: which files, which rows, and every way a file can be bad."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.errors import ConfigError, MissingError
from aezoo_datasets.folder import Folder
from aezoo_datasets.images import ENDINGS, Reader
from tests.images import picture, write_folder


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "images")


def load(root, **settings):
    return Folder(str(root), **{"image_size": 8, **settings}).load()


def refusal(root, **settings):
    with pytest.raises(ConfigError) as caught:
        data = load(root, **settings)
        data.train.values[:], data.test.values[:]
    assert caught.value.exit_code == 2 and caught.value.fix
    return str(caught.value)


# --- rows


def test_files_are_found_recursively_and_sorted_by_path(root):
    data = load(root)
    names = data.train.values.names + data.test.values.names
    assert len(names) == 12 and len(data.test) == 1
    assert list(data.train.values.names) == sorted(data.train.values.names)
    assert set(names) == {str(path.relative_to(root)) for path in root.rglob("*.png")}


def test_the_test_part_is_the_same_each_time_and_as_large_as_asked(root):
    one, two = load(root, test=0.5), load(root, test=0.5)
    assert len(one.test) == 6 and one.test.values.names == two.test.values.names
    assert not set(one.test.values.names) & set(one.train.values.names)


def test_validation_images_leave_the_train_part(root):
    data = load(root, validation=3)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [8, 3, 1]
    assert "11" in refusal(root, validation=11)


def test_rows_are_uint8_in_range_and_chosen_by_index(root):
    data = load(root)
    rows = data.train.values
    assert data.shape == (3, 8, 8) and rows[:].dtype == torch.uint8
    assert torch.equal(rows[torch.tensor([4, 0])], rows[:][[4, 0]])
    assert torch.equal(torch.cat(list(rows.split(5))), rows[:])
    x = data.x(rows[:])
    assert x.min() >= 0 and x.max() <= 1


@pytest.mark.parametrize("size", [(40, 20), (20, 40)])
def test_the_centre_is_cut_out_after_the_shorter_side_is_resized(tmp_path, size):
    """Black but for a white square in the middle: nothing of the black is left."""
    image = Image.new("L", size)
    image.paste(255, (size[0] // 2 - 10, size[1] // 2 - 10, size[0] // 2 + 10, size[1] // 2 + 10))
    image.save(tmp_path / "a.png")
    row = Reader(1, 10)(tmp_path / "a.png")
    assert row.shape == (1, 10, 10) and row[:, 1:-1, 1:-1].min() == 255 and row.min() > 190


def test_shrinking_is_antialiased(tmp_path):
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "a.png")
    row = Reader(1, 8)(tmp_path / "a.png")
    assert abs(row.astype(int) - 127).max() <= 8


def test_size_0_keeps_images_as_they_are(root):
    data = load(root, image_size=0)
    assert data.shape == (3, 16, 20)
    (one,) = [name for name in data.test.values.names]
    whole = np.asarray(Image.open(root / one)).transpose(2, 0, 1)
    assert np.array_equal(data.test.values[:][0].numpy(), whole)


def test_size_0_with_two_sizes_names_both_and_the_remedy(root):
    picture(1, (9, 9)).save(root / "z.png")
    said = refusal(root, image_size=0)
    assert "z.png" in said and "9x9" in said and "20x16" in said and "--image-size" in said


def test_every_ending_is_read(tmp_path):
    for number, ending in enumerate(ENDINGS):
        picture(number, mode="L" if ending == ".pgm" else "RGB").save(tmp_path / f"{number}{ending}")
    (tmp_path / "UPPER.PNG").write_bytes((tmp_path / "0.png").read_bytes())
    (tmp_path / ".hidden.png").write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("no image")
    data = load(tmp_path, channels=3)
    assert len(data.train) + len(data.test) == len(ENDINGS) + 1
    assert data.train.values[:].shape[1:] == (3, 8, 8)


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 1), ("1", 1), ("LA", 1), ("RGB", 3), ("RGBA", 3), ("P", 3), ("I;16", 1)]
)
def test_channels_are_what_the_files_are(tmp_path, mode, channels):
    for number in range(3):
        grey = mode in ("1", "LA", "I;16")
        image = picture(number, mode="L" if grey else "RGB")
        if mode == "I;16":
            image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
        else:
            image = image.convert(mode)
        image.save(tmp_path / f"{number}.png")
    data = load(tmp_path, image_size=0)
    assert data.shape[0] == channels
    if mode == "I;16":
        names, rows = data.train.values.names, data.train.values[:]
        expected = np.asarray(picture(int(names[0][0]), mode="L"))
        assert np.array_equal(rows[0, 0].numpy(), expected)


def test_a_picture_taken_sideways_is_put_upright(tmp_path):
    image = Image.new("L", (20, 10))
    image.paste(255, (0, 0, 10, 10))  # left half white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what was left is on top
    image.save(tmp_path / "a.png", exif=exif)
    image.save(tmp_path / "b.png", exif=exif)
    data = load(tmp_path, image_size=0)
    assert data.shape == (1, 20, 10)
    assert data.test.values[:][0, 0, :10].min() == 255 and data.test.values[:][0, 0, 10:].max() == 0


def test_folders_are_classes_where_every_image_lies_in_one(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(3):
            picture(number).save(tmp_path / name / f"{number}.png")
    data = load(tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.train.labels.tolist() == [int(name.startswith("dog")) for name in data.train.values.names]
    picture(1).save(tmp_path / "stray.png")
    assert load(tmp_path).train.labels is None


def test_flip_is_for_training_images(root):
    assert load(root, flip=True).flip and not load(root).flip


# --- faults


def test_a_missing_directory_is_exit_3(tmp_path):
    with pytest.raises(MissingError, match="nowhere") as caught:
        load(tmp_path / "nowhere")
    assert caught.value.exit_code == 3


def test_a_file_is_no_directory(root):
    assert "00000.png" in refusal(root / "00000.png")


def test_an_empty_folder_says_which_endings_count(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    said = refusal(tmp_path)
    assert str(tmp_path) in said and "png" in said


def test_one_image_cannot_be_parted(tmp_path):
    picture(1).save(tmp_path / "a.png")
    assert "1 rows" in refusal(tmp_path)


def test_mixed_channels_name_one_of_each_and_the_choice(root):
    picture(1, mode="L").save(root / "zz.png")
    said = refusal(root)
    assert "zz.png" in said and "00000.png" in said and "dataset.channels=1" in said
    assert load(root, channels=1).shape == (1, 8, 8)
    assert load(root, channels=3).train.values[:].shape == (11 + 1, 3, 8, 8)


def truncated(path):
    picture(1, (200, 160)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def corrupt(path):
    picture(1, (200, 160)).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 60] = bytes(60)
    path.write_bytes(content)


def no_image(path):
    path.write_bytes(b"<html>not found</html>")


def empty(path):
    path.write_bytes(b"")


def bomb(path):
    """A PNG of 60,000 x 60,000 pixels, by what its head says."""
    picture(1).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)


def dangling(path):
    path.symlink_to(path.with_name("not there.png"))


BAD = [truncated, corrupt, no_image, empty, bomb, dangling]


@pytest.mark.parametrize("make", BAD)
def test_a_bad_image_is_named_with_the_option_that_skips_it_and_counts(root, make, capsys):
    make(root / "more" / "bad.png")
    said = refusal(root)
    assert os.path.join("more", "bad.png") in said and "--skip-bad-images" in said
    data = load(root, skip_bad_images=True)
    assert len(data.train) + len(data.test) == 12
    data.train.values[:]
    err = capsys.readouterr().err
    assert "bad.png" in err and "1 of 13" in err


def test_between_pils_warning_and_its_error_an_image_is_refused_too(root, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)  # each has 320
    assert "more pixels" in refusal(root)


def test_nothing_but_bad_images_is_an_error_also_when_skipping(tmp_path, capsys):
    no_image(tmp_path / "a.png")
    assert "none of its 1" in refusal(tmp_path, skip_bad_images=True)


def test_a_file_without_permission_is_named(root, monkeypatch):
    opened = Image.open

    def refuse(path, *args, **options):
        if str(path).endswith("00003.png"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    monkeypatch.setattr(Image, "open", refuse)
    said = refusal(root)
    assert "00003.png" in said and "permission denied" in said


def test_a_directory_that_cannot_be_listed_is_named(root, monkeypatch):
    listed = os.scandir

    def refuse(path):
        if str(path).endswith("more"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "more" in refusal(root)
