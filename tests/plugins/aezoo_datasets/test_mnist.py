"""MNIST and Fashion-MNIST, on made-up files in their format."""

import pytest
import torch

from aezoo.errors import AezooError, ConfigError
from aezoo_datasets.mnist import CLOTHES, MNIST, FashionMNIST
from tests.images import listing, write_idx


@pytest.fixture
def source(tmp_path):
    return write_idx(tmp_path / "source")


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
