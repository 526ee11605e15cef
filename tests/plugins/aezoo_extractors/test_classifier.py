"""The shipped classifiers: their weights, and what is refused."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aezoo.api import AezooError, load_dataset
from aezoo.parts.types import Data, Split
from aezoo.testing import check_component
from aezoo_extractors import weights
from aezoo_extractors.classifier import (
    CIFAR10Classifier,
    DigitsClassifier,
    FashionMNISTClassifier,
    MNISTClassifier,
)
from aezoo_extractors.training import RECIPES, accuracy
from tests.images import SHARED, cifar10_images, needs

CLASSIFIERS = {
    one.name: one for one in (DigitsClassifier, MNISTClassifier, FashionMNISTClassifier, CIFAR10Classifier)
}


def test_every_classifier_is_in_the_table():
    assert set(weights.table()) == set(CLASSIFIERS) == set(RECIPES)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_weights_file_is_small_and_is_the_one_that_the_table_speaks_of(name):
    content = Path(str(weights.weights_file(name))).read_bytes()
    entry, header = weights.table()[name], weights.unpack(content).header
    assert len(content) == entry["bytes"] < 1_000_000
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert header["name"] == name and header["accuracy"] == entry["accuracy"]
    assert header["recipe"] == entry["recipe"]
    assert replace(RECIPES[name], epochs=entry["recipe"]["epochs"]).seed == entry["recipe"]["seed"]


def test_the_digits_classifier_is_as_accurate_as_its_table_says():
    data, extractor = load_dataset("digits"), DigitsClassifier(shape=(1, 8, 8))
    found = accuracy(extractor.network, data, data.test)
    assert found == weights.table()["classifier-digits"]["accuracy"] >= 0.98
    assert (extractor.resize, extractor.layer) == ("none", "means of the last maps")
    assert extractor.sha256 == weights.table()["classifier-digits"]["sha256"]


def test_features_of_digits_fill_their_space():
    """So that 360 test images have a covariance that can be inverted."""
    data = load_dataset("digits")
    found = DigitsClassifier(shape=data.shape)(data.x(data.test.values))
    assert found.shape == (360, 32) and torch.linalg.matrix_rank(found - found.mean(0)) == 32


@pytest.mark.slow  # 10,000 images each
@pytest.mark.parametrize(
    ("dataset", "least"),
    [
        pytest.param("mnist", 0.99, marks=needs("MNIST")),
        pytest.param("fashion-mnist", 0.91, marks=needs("FashionMNIST")),
        pytest.param("cifar10", 0.80, marks=needs("cifar10")),
    ],
)
def test_a_classifier_of_a_public_set_is_as_accurate_as_its_table_says(dataset, least, tmp_path, monkeypatch):
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path))
    data = cifar10() if dataset == "cifar10" else load_dataset(dataset, root=str(SHARED))
    extractor = CLASSIFIERS[f"classifier-{dataset}"](shape=data.shape)
    found = accuracy(extractor.network, data, data.test)
    assert found == pytest.approx(weights.table()[extractor.name]["accuracy"], abs=3e-4)  # rounding: 3 rows
    assert found >= least


def cifar10():
    """The test part, which torchvision cannot read as it lies there."""
    rows = cifar10_images("test_batch").transpose(0, 3, 1, 2)
    labels = np.load(SHARED / "cifar10" / "labels.npz", allow_pickle=False)["test"]
    split = Split(torch.from_numpy(rows.copy()), torch.from_numpy(labels).long())
    return Data("cifar10", (3, 32, 32), (0.0, 1.0), split, split, scale=1 / 255)


def test_weights_that_are_not_those_of_the_table_are_refused(tmp_path, monkeypatch):
    other = tmp_path / "weights" / "classifier-digits.safetensors"
    other.parent.mkdir()
    trained = weights.load_shipped("classifier-digits")
    with torch.no_grad():
        trained.network.head.bias.add_(1)
    other.write_bytes(weights.pack(trained.network, trained.header))
    monkeypatch.setattr(weights, "weights_file", lambda name: other)
    with pytest.raises(AezooError, match=f"has the sha256 [0-9a-f]+, and it should be {trained.sha256}"):
        DigitsClassifier(shape=(1, 8, 8))


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"no safetensors at all"])
def test_a_damaged_weights_file_is_refused(content):
    with pytest.raises(AezooError, match="not the weights of a classifier"):
        weights.unpack(content)


@pytest.mark.slow  # a network of real size
@needs("weights/squeezenet1_1-features.safetensors")
def test_the_extractor_of_the_docs_keeps_the_rules_with_real_weights(tmp_path, monkeypatch):
    page = (Path(__file__).parents[3] / "docs" / "extractors.md").read_text(encoding="utf-8")
    code = next(block for block in page.split("```python\n") if block.startswith("# squeeze.py"))
    (tmp_path / "squeeze.py").write_text(code.partition("```")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = SHARED / "weights" / "squeezenet1_1-features.safetensors"
    check_component("extractor", "squeeze:Squeeze", weights=str(file))
    sys.modules.pop("squeeze")
