"""Where the files of the public sets are."""

import gzip
import tarfile
import zipfile

import pytest

from aezoo.errors import MissingError
from aezoo_datasets.celeba import CelebA
from aezoo_datasets.cifar10 import CIFAR10
from aezoo_datasets.mnist import MNIST, FashionMNIST
from aezoo_datasets.places import unpack, untar, unzip
from tests.folders import flip_a_bit

PUBLIC = [(MNIST, "mnist"), (FashionMNIST, "fashion-mnist"), (CIFAR10, "cifar10"), (CelebA, "celeba")]


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


def test_a_zip_cannot_write_outside_its_folder(tmp_path, cache):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../escaped", "x")
        archive.writestr("inside", "x")
    root = unzip(tmp_path / "x.zip", "a")
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["inside"]
    assert (root / "a" / "inside").read_text() == "x" and not list(tmp_path.rglob("escaped"))


DAMAGES = [
    flip_a_bit,
    lambda file: file.write_bytes(file.read_bytes()[:-1]),
    lambda file: file.write_bytes(b""),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=["bit", "cut", "empty"])
@pytest.mark.parametrize("kind", ["gz", "tar.gz", "zip", "beside"])
def test_a_damaged_file_of_the_cache_is_unpacked_anew_aloud(tmp_path, cache, capsys, kind, damage):
    content, packed = b"rows " * 100, tmp_path / f"x.{kind}"
    if kind == "gz":
        packed.write_bytes(gzip.compress(content))
    elif kind == "tar.gz":
        (tmp_path / "x").write_bytes(content)
        with tarfile.open(packed, "w:gz") as archive:
            archive.add(tmp_path / "x", "x")
    else:
        packed = tmp_path / "x.zip"
        (tmp_path / "x").write_bytes(content)
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("x" if kind == "zip" else "y", content)

    def unpacked():
        if kind == "gz":
            return unpack([packed], "a") / "a" / "x"
        if kind == "tar.gz":
            return untar(packed) / "x"
        return unzip(packed, "a", beside=[tmp_path / "x"] if kind == "beside" else ()) / "a" / "x"

    assert unpacked().read_bytes() == content and unpacked().read_bytes() == content
    assert capsys.readouterr().err == ""
    damage(unpacked())
    assert unpacked().read_bytes() == content
    assert "was damaged, and is unpacked anew" in capsys.readouterr().err
