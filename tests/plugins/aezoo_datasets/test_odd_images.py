"""Depth, transparency and kinds of files: read right, or refused with the reason."""

import os
import struct
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.errors import ConfigError
from aezoo_datasets.folder import Folder
from aezoo_datasets.images import Reader, header

RAMP = np.arange(64, dtype=np.int64).reshape(8, 8)


def read(path, channels=1, **settings):
    return Reader(channels, 0, **settings)(path)


def refusal(path, **settings):
    with pytest.raises(ConfigError) as caught:
        header(path)
        read(path, **settings)
    return caught.value.what


def tiff(path, rows, bits, photometric=1, order="<"):
    """A grey TIFF of one uncompressed strip, big-endian bits within each row, as the format has it."""
    height, width = rows.shape
    if bits == 16:
        data = rows.astype(f"{order}u2").tobytes()
    else:
        texts = ["".join(f"{value:0{bits}b}" for value in row) for row in rows]
        data = b"".join(
            int(text.ljust(-len(text) % 8 + len(text), "0"), 2).to_bytes(-(-len(text) // 8), "big")
            for text in texts
        )
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8)]
    tags += [(277, 1), (278, height), (279, len(data))]
    table = struct.pack(f"{order}H", len(tags))
    table += b"".join(
        struct.pack(f"{order}HHI", tag, 4, 1) + struct.pack(f"{order}I", value) for tag, value in tags
    )
    head = b"II" if order == "<" else b"MM"
    start = 8 + len(data) + len(data) % 2
    path.write_bytes(
        head + struct.pack(f"{order}HI", 42, start) + data + b"\0" * (len(data) % 2) + table + b"\0" * 4
    )
    return path


# --- depth


def test_a_tiff_of_12_bits_is_scaled_by_12_bits(tmp_path):
    found = read(tiff(tmp_path / "a.tif", RAMP * 65, 12))[0]
    assert np.array_equal(found, np.round(RAMP * 65 / 4095 * 255)) and found.max() == 255


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_16_bits_is_scaled_by_16_bits(tmp_path, order):
    found = read(tiff(tmp_path / "a.tif", RAMP * 1040, 16, order=order))[0]
    assert np.array_equal(found, np.round(RAMP * 1040 / 65535 * 255)) and found.max() == 255


def test_a_tiff_whose_zero_is_white_is_not_inverted(tmp_path):
    found = read(tiff(tmp_path / "a.tif", 65535 - RAMP * 1040, 16, photometric=0))[0]
    assert np.array_equal(found, np.round(RAMP * 1040 / 65535 * 255))


def test_12_bits_in_a_file_of_16_are_scaled_where_the_setting_says_so(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray((RAMP * 65).astype(np.uint16)).save(path)
    assert np.array_equal(read(path, bits=12)[0], np.round(RAMP * 65 / 4095 * 255))
    assert read(path)[0].max() == round(4095 / 65535 * 255)
    assert "more than dataset.bits=10" in refusal(path, bits=10)


def test_files_of_16_bits_that_use_12_are_told(tmp_path, capsys):
    for number in range(3):
        Image.fromarray((RAMP * 65).astype(np.uint16)).save(tmp_path / f"{number}.tif")
    Folder(str(tmp_path), image_size=0).load()
    assert "--set dataset.bits=12" in capsys.readouterr().err
    Folder(str(tmp_path), image_size=0, bits=12).load()
    assert capsys.readouterr().err == ""


def test_a_pgm_of_12_bits_is_scaled_by_its_own_largest_value(tmp_path):
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5\n8 8\n4095\n" + (RAMP * 65).astype(">u2").tobytes())
    assert np.abs(read(path, bits=12)[0] - RAMP * 65 / 4095 * 255).max() < 1


def test_colours_of_16_bits_keep_their_upper_8(tmp_path):
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6\n8 8\n65535\n" + np.repeat(RAMP * 1040, 3).astype(">u2").tobytes())
    assert np.abs(read(path, 3)[0] - RAMP * 1040 / 65535 * 255).max() <= 1


@pytest.mark.parametrize(("mode", "why"), [("F", "32-bit floats"), ("I", "32-bit integers")])
def test_values_without_a_range_are_refused_before_training(tmp_path, mode, why):
    path = tmp_path / "a.tif"
    Image.fromarray(RAMP.astype(np.float32 if mode == "F" else np.int32)).save(path)
    assert why in refusal(path) and "save it with 8 or 16 bits" in refusal(path)
    with pytest.raises(ConfigError, match=why):
        Folder(str(tmp_path), image_size=0).load()


# --- transparency

HALF = np.array([[0, 255], [128, 0]], np.uint8)


def transparent(mode):
    """Grey 100 on whatever is behind it, by the opacity of HALF; of palettes and keys by all or nothing."""
    if mode == "RGBA":
        return Image.merge("RGBA", [Image.new("L", (2, 2), 100)] * 3 + [Image.fromarray(HALF)]), HALF
    if mode == "LA":
        return Image.merge("LA", [Image.new("L", (2, 2), 100), Image.fromarray(HALF)]), HALF
    keyed = np.array([[7, 100], [100, 7]], np.uint8)
    image = Image.fromarray(keyed)
    if mode == "P":
        image.putpalette([value for grey in range(256) for value in (grey,) * 3])
    if mode == "RGB":
        image = image.convert("RGB")
    image.info["transparency"] = (7, 7, 7) if mode == "RGB" else 7
    return image, np.where(keyed == 7, 0, 255)


@pytest.mark.parametrize("background", ["white", "black"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_transparent_shows_the_background(tmp_path, mode, background, channels):
    image, opacity = transparent(mode)
    image.save(tmp_path / "a.png", transparency=image.info.get("transparency"))
    behind = 255 if background == "white" else 0
    expected = behind + opacity / 255 * (100 - behind)
    for row in read(tmp_path / "a.png", channels, background=background):
        assert np.abs(row - expected).max() <= 1


def test_an_image_that_is_opaque_throughout_is_its_colours(tmp_path):
    pixels = np.dstack([np.full((2, 2), value, np.uint8) for value in (10, 200, 30, 255)])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", 3), pixels[..., :3].transpose(2, 0, 1))


def test_a_transparent_grey_of_16_bits_is_refused(tmp_path):
    Image.fromarray(np.full((2, 2), 4000, np.uint16)).save(tmp_path / "a.png", transparency=4000)
    with Image.open(tmp_path / "a.png") as file:
        assert "transparency" in file.info
    assert "16 bits and a transparent grey" in refusal(tmp_path / "a.png")


def test_printers_colours_become_screens_colours(tmp_path):
    Image.new("CMYK", (2, 2), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    assert np.array_equal(read(tmp_path / "a.tif", 3)[:, 0, 0], [255, 0, 0])


# --- what is no image

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"


def test_postscript_called_png_starts_no_interpreter(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(POSTSCRIPT)
    started = []
    monkeypatch.setattr(subprocess, "check_call", lambda *words, **options: started.append(words))
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", "gs", raising=False)
    assert "is no whole image" in refusal(tmp_path / "a.png")
    assert started == []


def test_a_pipe_in_a_folder_of_images_is_told_and_not_waited_for(tmp_path):
    for number in range(3):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ConfigError, match=r"pipe\.png is no regular file"):
        Folder(str(tmp_path), image_size=0).load()
    assert len(Folder(str(tmp_path), image_size=0, skip_bad_images=True).load().train) == 2


def test_names_that_are_no_utf8_are_read(tmp_path):
    for number in range(3):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    os.rename(os.fsencode(tmp_path / "0.png"), os.fsencode(tmp_path) + b"/\xff.png")
    data = Folder(str(tmp_path), image_size=0).load()
    assert torch.cat([data.train.values[:], data.test.values[:]]).sum() == 3 * 64
