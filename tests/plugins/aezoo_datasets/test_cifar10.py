"""CIFAR-10, made up: torchvision checks the md5 of its own files."""

import numpy as np
import pytest

from aezoo.errors import ConfigError
from aezoo_datasets.cifar10 import CIFAR10


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
