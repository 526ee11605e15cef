"""CelebA, on made-up files in its layout."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.errors import ConfigError
from aezoo_datasets.celeba import BOXES, CelebA
from tests.images import listing, picture


@pytest.fixture
def faces(tmp_path, monkeypatch):
    """CelebA's layout with nine faces: 5 train, 2 validation, 2 test; their md5 are not asked for."""
    import torchvision

    monkeypatch.setattr(torchvision.datasets.CelebA, "_check_integrity", lambda self: True)
    home = tmp_path / "celeba"
    (home / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, 10)]
    for number, name in enumerate(names):
        image = picture(number, (178, 218))
        image.paste((255, 0, 0), (0, 0, 178, 45))  # above the crop of 128
        image.save(home / "img_align_celeba" / name, quality=95)
    parts = [0] * 5 + [1] * 2 + [2] * 2
    attributes = [f"A{number}" for number in range(40)]
    marks = [["1" if (row + column) % 3 else "-1" for column in range(40)] for row in range(9)]
    table = [f"{name} {' '.join(row)}" for name, row in zip(names, marks, strict=True)]
    for file, lines in {
        "list_eval_partition.txt": [f"{name} {part}" for name, part in zip(names, parts, strict=True)],
        "list_attr_celeba.txt": ["9", " ".join(attributes), *table],
        "identity_CelebA.txt": [f"{name} 1" for name in names],
        "list_bbox_celeba.txt": ["9", "image_id x y w h", *(f"{name} 1 1 1 1" for name in names)],
        "list_landmarks_align_celeba.txt": ["9", "a b", *(f"{name} 1 1" for name in names)],
    }.items():
        (home / file).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_celeba_has_its_official_parts_and_attributes(faces):
    data = CelebA(root=str(faces)).load()
    assert [len(part) for part in (data.train, data.validation, data.test)] == [5, 2, 2]
    assert data.shape == (3, 64, 64) and len(data.attributes) == 40
    assert data.train.attributes.shape == (5, 40)
    assert data.test.attributes[0].tolist() == [int((7 + column) % 3 > 0) for column in range(40)]
    assert data.train.values[:].shape == (5, 3, 64, 64)


def test_the_crops_are_the_published_ones(faces):
    """Rows 45-172 and columns 25-152 for 128, rows 39-178 and columns 19-158 for 140."""
    assert BOXES == {128: (25, 45, 153, 173), 140: (19, 39, 159, 179)}
    whole = np.asarray(Image.open(faces / "celeba" / "img_align_celeba" / "000001.jpg"))
    narrow = CelebA(root=str(faces), image_size=128).load().train.values[:1][0]
    wide = CelebA(root=str(faces), crop=140, image_size=140).load().train.values[:1][0]
    assert np.array_equal(narrow.permute(1, 2, 0).numpy(), whole[45:173, 25:153])
    assert np.array_equal(wide.permute(1, 2, 0).numpy(), whole[39:179, 19:159])


def test_a_bad_face_is_named_or_skipped(faces, capsys):
    bad = faces / "celeba" / "img_align_celeba" / "000002.jpg"
    bad.write_bytes(bad.read_bytes()[:900])
    with pytest.raises(ConfigError, match=r"000002\.jpg"):
        CelebA(root=str(faces)).load().train.values[:]
    data = CelebA(root=str(faces), skip_bad_images=True).load()
    assert data.train.values[:].shape[0] == len(data.train.attributes) == 4
    err = capsys.readouterr().err
    assert "000002.jpg" in err and "1 of 5" in err


@pytest.fixture
def zipped(faces):
    """The same faces, their images only in the published zip file."""
    home = faces / "celeba"
    shutil.make_archive(str(home / "img_align_celeba"), "zip", home, "img_align_celeba")
    rows = CelebA(root=str(faces)).load().train.values[:]
    shutil.rmtree(home / "img_align_celeba")
    return faces, rows


def test_a_zipped_celeba_is_unpacked_into_the_cache_and_never_beside_itself(zipped, cache):
    root, rows = zipped
    before = listing(root / "celeba")
    assert torch.equal(CelebA(root=str(root)).load().train.values[:], rows)
    assert listing(root / "celeba") == before
    images = sorted(cache.rglob("*.jpg"))
    assert [path.name for path in images] == [f"{number:06d}.jpg" for number in range(1, 10)]
    stamp = images[0].stat().st_mtime_ns
    images[1].write_bytes(b"cut")  # of an unpacking that was stopped
    assert torch.equal(CelebA(root=str(root)).load().train.values[:], rows)
    assert images[0].stat().st_mtime_ns == stamp


def test_a_damaged_zip_is_named_and_stays(zipped, cache):
    root, _ = zipped
    file = root / "celeba" / "img_align_celeba.zip"
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ConfigError) as err:
        CelebA(root=str(root)).load()
    assert str(file) in err.value.what and file.stat().st_size == 2000
