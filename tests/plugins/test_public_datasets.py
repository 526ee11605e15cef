"""MNIST, Fashion-MNIST, CIFAR-10 and CelebA, on made-up files in their formats."""

from __future__ import annotations

import shutil
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.errors import AezooError, ConfigError, MissingError
from aezoo_datasets.celeba import BOXES, CelebA
from aezoo_datasets.cifar10 import CIFAR10
from aezoo_datasets.mnist import CLOTHES, MNIST, FashionMNIST
from aezoo_datasets.places import unzip
from tests.images import picture, write_idx

PUBLIC = [(MNIST, "mnist"), (FashionMNIST, "fashion-mnist"), (CIFAR10, "cifar10"), (CelebA, "celeba")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AEZOO_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path):
    return write_idx(tmp_path / "source")


def listing(folder):
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


# --- where the files are


@pytest.mark.parametrize(("dataset", "name"), PUBLIC)
def test_missing_data_name_folder_file_and_remedy(dataset, name, cache, tmp_path, monkeypatch):
    for root, folder in (("", cache / "data"), (str(tmp_path / "here"), tmp_path / "here")):
        with pytest.raises(MissingError) as caught:
            dataset(root=root).load()
        assert caught.value.exit_code == 3
        assert name in caught.value.what and str(folder) in caught.value.what
        assert "--data-root" in caught.value.fix and "--download" in caught.value.fix
    monkeypatch.setenv("AEZOO_DATA", str(tmp_path / "there"))
    with pytest.raises(MissingError, match=str(tmp_path / "there")):
        dataset().load()
    assert not (tmp_path / "here").exists()


def test_packed_files_are_unpacked_into_the_cache_and_never_beside_themselves(source, cache):
    before = listing(source)
    data = MNIST(root=str(source)).load()
    assert listing(source) == before
    assert len(list(cache.rglob("*-ubyte"))) == 4
    assert (len(data.train), len(data.test)) == (40, 20)
    unpacked = listing(cache)
    MNIST(root=str(source)).load()
    assert listing(cache) == unpacked


def test_other_files_of_the_same_names_are_not_mixed_up(source, tmp_path):
    other = write_idx(tmp_path / "other", train=30)
    assert len(MNIST(root=str(source)).load().train) == 40
    assert len(MNIST(root=str(other)).load().train) == 30


def test_unpacked_files_are_read_where_they_are(tmp_path, cache):
    root = write_idx(tmp_path / "plain", packed=False)
    assert len(MNIST(root=str(root)).load().train) == 40
    assert not cache.exists()


def test_the_environment_names_the_folder(source, monkeypatch):
    monkeypatch.setenv("AEZOO_DATA", str(source))
    assert len(MNIST().load().test) == 20


def test_a_damaged_file_is_named(source):
    file = source / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(ConfigError, match="t10k-images") as caught:
        MNIST(root=str(source)).load()
    assert caught.value.fix


def test_a_damaged_unpacked_file_is_no_crash(tmp_path):
    root = write_idx(tmp_path / "plain", packed=False)
    (root / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
    with pytest.raises(ConfigError, match="MNIST"):
        MNIST(root=str(root)).load()


def test_a_cache_that_cannot_be_written_is_named(source, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "taken"))
    with pytest.raises(AezooError, match="taken") as caught:
        MNIST(root=str(source)).load()
    assert "AEZOO_CACHE" in caught.value.fix


@pytest.mark.parametrize("dataset", [MNIST, CIFAR10, CelebA])
def test_a_download_that_fails_is_a_missing_dataset(dataset, tmp_path, monkeypatch):
    import torchvision

    def refuse(*args, download=False, **options):
        assert download
        raise RuntimeError("no route to host")

    monkeypatch.setattr(torchvision.datasets, dataset.__name__, refuse)
    refuse.__name__ = dataset.__name__
    with pytest.raises(MissingError, match="no route to host") as caught:
        dataset(root=str(tmp_path / "new"), download=True).load()
    assert caught.value.where == "--download"


# --- what the rows are


@pytest.mark.parametrize(("dataset", "kind"), [(MNIST, "MNIST"), (FashionMNIST, "FashionMNIST")])
def test_idx_files_become_labelled_images(dataset, kind, tmp_path):
    data = dataset(root=str(write_idx(tmp_path / kind, kind))).load()
    assert data.shape == (1, 28, 28) and data.range == (0.0, 1.0) and len(data.classes) == 10
    assert data.train.values.dtype == torch.uint8
    assert data.train.values[7].unique().tolist() == [7]
    assert data.train.labels.tolist() == [n % 10 for n in range(40)]
    assert data.x(data.test.values)[15].max().item() == pytest.approx(15 / 255)
    assert (data.classes == CLOTHES) == (kind == "FashionMNIST")


def test_validation_rows_come_from_the_end_of_the_train_part(source):
    data = MNIST(root=str(source), validation=10).load()
    assert data.train.values[:, 0, 0, 0].tolist() == list(range(30))
    assert data.validation.values[:, 0, 0, 0].tolist() == list(range(30, 40))
    assert data.validation.labels.tolist() == list(range(10))
    assert MNIST(root=str(source)).load().validation is None
    with pytest.raises(ConfigError, match="40"):
        MNIST(root=str(source), validation=40).load()


def test_binary_images_are_zeros_and_ones_by_the_half(tmp_path):
    root = write_idx(tmp_path / "wide", train=200)
    data = MNIST(root=str(root), binary=True).load()
    x = data.x(data.train.values)[:, 0, 0, 0]
    assert x.tolist() == [float(n >= 128) for n in range(200)]


def test_another_image_size_is_another_shape(source):
    data = MNIST(root=str(source), image_size=32).load()
    assert data.shape == (1, 32, 32) and data.train.values[9].unique().tolist() == [9]


class Ten:
    """torchvision's CIFAR10, made up: its own files are checked against their md5."""

    classes = ("cat", "dog")

    def __init__(self, root, train, download):
        count = 6 if train else 4
        self.data = np.arange(count * 32 * 32 * 3).reshape(count, 32, 32, 3).astype(np.uint8)
        self.targets = [number % 2 for number in range(count)]


def test_cifar10_becomes_channels_first(tmp_path, monkeypatch):
    import torchvision

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Ten)
    (tmp_path / "cifar-10-batches-py").mkdir()
    data = CIFAR10(root=str(tmp_path), validation=2).load()
    assert data.shape == (3, 32, 32) and [len(data.train), len(data.validation), len(data.test)] == [4, 2, 4]
    assert data.train.values[1, 2, 3, 4].item() == Ten("", True, False).data[1, 3, 4, 2]
    assert data.train.labels.tolist() == [0, 1, 0, 1] and data.classes == ("cat", "dog")


def test_a_packed_cifar10_is_unpacked_into_the_cache(tmp_path, monkeypatch, cache):
    import tarfile

    import torchvision

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Ten)
    (tmp_path / "batch").write_bytes(b"content")
    root = tmp_path / "packed"
    root.mkdir()
    with tarfile.open(root / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "batch", "cifar-10-batches-py/data_batch_1")
        archive.add(tmp_path / "batch", "../outside")
    assert len(CIFAR10(root=str(root)).load().train) == 6
    (found,) = [path for path in cache.rglob("*") if path.is_file()]
    assert found.name == "data_batch_1" and found.read_bytes() == b"content"
    assert [path.name for path in root.iterdir()] == ["cifar-10-python.tar.gz"]
    (root / "cifar-10-python.tar.gz").write_bytes(b"no")
    with pytest.raises(ConfigError, match=r"cifar-10-python\.tar\.gz"):
        CIFAR10(root=str(root)).load()


def test_a_damaged_cifar10_is_named(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"no")
    with pytest.raises(ConfigError, match="cifar-10-batches-py"):
        CIFAR10(root=str(tmp_path)).load()


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


def test_a_zip_cannot_write_outside_its_folder(tmp_path, cache):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../escaped", "x")
        archive.writestr("inside", "x")
    root = unzip(tmp_path / "x.zip", "a")
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["inside"]
    assert (root / "a" / "inside").read_text() == "x" and not list(tmp_path.rglob("escaped"))
