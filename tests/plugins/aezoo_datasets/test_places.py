"""Where the files of the public sets are."""

import zipfile

import pytest

from aezoo.errors import MissingError
from aezoo_datasets.celeba import CelebA
from aezoo_datasets.cifar10 import CIFAR10
from aezoo_datasets.mnist import MNIST, FashionMNIST
from aezoo_datasets.places import unzip

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
