"""Extractors: what their features are, where their weights come from, and what is refused."""

from __future__ import annotations

import hashlib
import math
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import aezoo
from aezoo.api import AezooError, ConfigError, MissingError, load_dataset
from aezoo.parts.types import Data, Split
from aezoo.registry import registry
from aezoo.resolve import resolve
from aezoo.testing import check_component
from aezoo_extractors import inception, weights
from aezoo_extractors.classifier import (
    CIFAR10Classifier,
    DigitsClassifier,
    FashionMNISTClassifier,
    MNISTClassifier,
)
from aezoo_extractors.identity import Identity
from aezoo_extractors.inception import HASH, Inception, architecture, network
from aezoo_extractors.pixels import Pixels
from aezoo_extractors.random_conv import RandomConv
from aezoo_extractors.shapes import colour, rule
from aezoo_extractors.training import RECIPES, accuracy, main, make, processor, shift
from tests.tiny import trained

SHARED = Path(__file__).parents[3] / "shared" / "data"  # beside the repository, where there is one
CLASSIFIERS = {
    one.name: one for one in (DigitsClassifier, MNISTClassifier, FashionMNISTClassifier, CIFAR10Classifier)
}
PINNED = {  # features of `ramp`, made on one machine
    "grey": [0.134491, 0.091954, 0.018207, 0.0, 1.279472, 0.450634, 1.408658, 0.311248],
    "odd": [0.080388, 0.183719, 0.368534, 0.518714],
}


def ramp(*shape):
    """One image [1, *shape]: 0/255, 1/255, ... and over again."""
    return (torch.arange(math.prod(shape)) % 256).view(1, *shape) / 255


# --- without weights


def test_pixels_are_the_values_channel_by_channel():
    x = ramp(2, 2, 3)
    assert torch.equal(Pixels(shape=(2, 2, 3))(x), torch.arange(12).view(1, 12) / 255)


def test_identity_gives_vectors_back():
    x = torch.tensor([[1.0, -2.0]])
    assert torch.equal(Identity(shape=(2,))(x), x)


@pytest.mark.parametrize(("part", "shape"), [(Pixels, (5,)), (RandomConv, (5,)), (Identity, (1, 8, 8))])
def test_rows_of_the_other_kind_are_refused(part, shape):
    with pytest.raises(ConfigError, match=r"takes .*, and rows of this dataset have shape"):
        part(shape=shape)


def test_the_kernels_of_random_conv_are_pythons_random_numbers():
    (first, *_) = RandomConv(shape=(1, 8, 8)).kernels
    draw = random.Random(0).random()
    assert draw == 0.8444218515250481  # known the world over
    assert first[0, 0, 0, 0].item() == pytest.approx(math.sqrt(6 / 9) * (2 * draw - 1), rel=1e-6)


def test_random_conv_gives_the_same_numbers_on_any_machine():
    grey = RandomConv(shape=(1, 8, 8))(ramp(1, 8, 8))[0]
    some = torch.tensor(PINNED["grey"])
    torch.testing.assert_close(grey[[0, 1, 2, 3, 63, 100, 150, 192]], some, atol=1e-4, rtol=1e-4)
    odd = RandomConv(shape=(3, 17, 23))(ramp(3, 17, 23))[0]
    torch.testing.assert_close(odd[[0, 64, 128, 192]], torch.tensor(PINNED["odd"]), atol=1e-4, rtol=1e-4)


def test_the_first_features_of_random_conv_are_means_of_a_convolution():
    """By hand: one pixel, so that the kernel's middle alone sees it, and each quarter is that pixel."""
    extractor = RandomConv(shape=(1, 1, 1))
    found = extractor(torch.ones(1, 1, 1, 1))[0]
    middle = extractor.kernels[0][:, 0, 1, 1].clamp(min=0)
    assert torch.allclose(found[:64], middle.repeat_interleave(4))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 8, 8), (3, 28, 28), (1, 17, 23), (5, 2, 70)])
@pytest.mark.parametrize("part", [RandomConv, DigitsClassifier])
def test_images_of_any_size_and_number_of_channels_have_features(part, shape):
    found = part(shape=shape)(ramp(*shape).repeat(2, 1, 1, 1))
    assert found.shape == (2, 256 if part is RandomConv else 32) and bool(found.isfinite().all())


@pytest.mark.parametrize("part", [RandomConv, DigitsClassifier])
def test_the_further_images_are_from_the_data_the_further_their_features(part):
    data = load_dataset("digits")
    x, extractor = data.x(data.test.values), part(shape=data.shape).eval()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    found = [frechet(extractor(x), extractor((x + size * noise).clamp(0, 1))) for size in (0.1, 0.2, 0.4)]
    assert 0 < found[0] < found[1] < found[2]


def frechet(a, b):
    a, b = a.double(), b.double()
    roots = torch.linalg.eigvals(a.T.cov() @ b.T.cov()).real.clamp(min=0).sqrt()
    return ((a.mean(0) - b.mean(0)).square().sum() + a.var(0).sum() + b.var(0).sum() - 2 * roots.sum()).item()


# --- other sizes and colours


def test_colours_become_grey_by_luma_and_grey_is_repeated():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert colour(red, 1).item() == pytest.approx(0.299)
    assert torch.equal(colour(torch.full((1, 1, 1, 1), 0.5), 3), torch.full((1, 3, 1, 1), 0.5))
    assert colour(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1), 3).flatten().tolist() == [0.5] * 3


@pytest.mark.parametrize(
    ("shape", "own", "said"),
    [
        ((1, 8, 8), (1, 8, 8), "none"),
        ((3, 8, 8), (1, 8, 8), "grey by luma"),
        ((1, 28, 28), (3, 32, 32), "grey repeated, antialiased bilinear to 32x32"),
        ((2, 32, 32), (3, 32, 32), "grey by mean, grey repeated"),
    ],
)
def test_the_protocol_says_how_images_are_resized(shape, own, said):
    assert rule(shape, own) == said


# --- classifiers


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


def needs(*names):
    absent = [name for name in names if not (SHARED / name).exists()]
    return pytest.mark.skipif(bool(absent), reason=f"../shared/data has no {', '.join(absent)}")


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
    whole = np.asarray(Image.open(SHARED / "cifar10" / "test_batch.webp").convert("RGB"))
    rows = whole.reshape(100, 32, 100, 32, 3).transpose(0, 2, 4, 1, 3).reshape(10_000, 3, 32, 32)
    labels = np.load(SHARED / "cifar10" / "labels.npz", allow_pickle=False)["test"]
    split = Split(torch.from_numpy(rows), torch.from_numpy(labels).long())
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


# --- their training


def test_images_are_shifted_by_whole_pixels_with_zeros_moving_in():
    x = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3).repeat(50, 2, 1, 1)
    found = shift(x, 1, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(x[0, 0], (1, 1, 1, 1))
    windows = [padded[i : i + 3, j : j + 3] for i in range(3) for j in range(3)]
    places = [next(n for n, window in enumerate(windows) if torch.equal(one[0], window)) for one in found]
    assert set(places) == set(range(9))
    assert torch.equal(found[:, 0], found[:, 1])


def test_a_training_repeats_and_never_sees_the_test_part():
    data, recipe = load_dataset("digits"), replace(RECIPES["classifier-digits"], epochs=1)
    blind = replace(data, test=Split(data.test.values[:10], data.test.labels[:10]))
    one, other, third = (make("x", recipe, rows, quiet=True)[1] for rows in (data, data, blind))
    assert one.sha256 == other.sha256
    assert torch.equal(one.network.head.weight, third.network.head.weight)


@pytest.mark.slow  # a minute where others are at work
def test_the_digits_classifier_can_be_trained_again(tmp_path):
    command = [sys.executable, "-m", "aezoo_extractors.training", "classifier-digits", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    content = (tmp_path / "weights" / "classifier-digits.safetensors").read_bytes()
    assert weights.unpack(content).header["accuracy"] >= 0.98
    entry = weights.table()["classifier-digits"]
    if (entry["torch"], entry["cpu"]) == (torch.__version__, processor()):
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_a_name_that_is_no_classifier_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["classifier-celeba"])
    assert "classifier-digits" in capsys.readouterr().err


# --- Inception


@pytest.fixture(scope="module")
def state():
    """Random weights for the real architecture, each kernel scaled so that maps keep their size."""
    generator, found = torch.Generator().manual_seed(0), {}
    for name, value in architecture().state_dict().items():
        fan = math.prod(value.shape[1:])
        found[name] = (
            torch.randn(value.shape, generator=generator) * (2 / fan) ** 0.5
            if value.dim() > 1
            else torch.ones(value.shape, dtype=value.dtype)
            if name.endswith(("bn.weight", "running_var"))
            else torch.zeros(value.shape, dtype=value.dtype)
        )
    return found


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty hub folder; the variable unset."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.delenv("AEZOO_INCEPTION", raising=False)
    return tmp_path / "hub" / "checkpoints" / inception.FILE


def test_missing_weights_say_which_file_which_hash_and_where_to_name_it(hub):
    with pytest.raises(MissingError) as caught:
        Inception(shape=(1, 28, 28))
    assert caught.value.exit_code == 3
    said = str(caught.value)
    for word in (
        str(hub),
        inception.FILE,
        "sha256",
        "6726825d",
        "--weights",
        "AEZOO_INCEPTION",
        "--download",
    ):
        assert word in said


@pytest.mark.parametrize("way", ["setting", "variable", "hub"])
def test_weights_with_another_hash_are_refused(way, hub, tmp_path, monkeypatch):
    wrong = hub if way == "hub" else tmp_path / "mine.pth"
    wrong.parent.mkdir(parents=True, exist_ok=True)
    wrong.write_bytes(b"anything")
    if way == "variable":
        monkeypatch.setenv("AEZOO_INCEPTION", str(wrong))
    with pytest.raises(ConfigError) as caught:
        Inception(shape=(1, 28, 28), weights=str(wrong) if way == "setting" else "")
    assert caught.value.exit_code == 2
    assert hashlib.sha256(b"anything").hexdigest() in str(caught.value) and HASH in str(caught.value)
    assert str(wrong) in str(caught.value)


def test_a_named_file_that_is_not_there_is_not_replaced_by_another(hub, tmp_path, monkeypatch):
    hub.parent.mkdir(parents=True)
    hub.write_bytes(b"anything")
    with pytest.raises(MissingError, match=r"no file .*gone\.pth"):
        Inception(shape=(3, 8, 8), weights=str(tmp_path / "gone.pth"))
    monkeypatch.setenv("AEZOO_INCEPTION", str(tmp_path / "away.pth"))
    with pytest.raises(MissingError, match=r"no file .*away\.pth") as caught:
        Inception(shape=(3, 8, 8))
    assert caught.value.where == "AEZOO_INCEPTION"


def test_nothing_is_fetched_unless_asked_for(hub, monkeypatch):
    calls = []

    def fetch(url, target, hash_prefix, progress):
        calls.append((url.rpartition("/")[2], hash_prefix))
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    with pytest.raises(MissingError):
        Inception(shape=(3, 8, 8))
    assert calls == []
    with pytest.raises(MissingError, match=r"cannot be fetched .* no network"):
        Inception(shape=(3, 8, 8), download=True)
    assert calls == [(inception.FILE, HASH)]


def with_hash_of(file, monkeypatch):
    monkeypatch.setattr(inception, "HASH", hashlib.sha256(file.read_bytes()).hexdigest()[:8])


class Harmful:
    def __reduce__(self):
        return (shutil.rmtree, ("/nonexistent/aezoo",))


def test_a_file_that_would_run_code_is_refused_even_with_the_right_hash(tmp_path, monkeypatch):
    file = tmp_path / "harmful.pth"
    torch.save({"weight": Harmful()}, file)
    with_hash_of(file, monkeypatch)
    with pytest.raises(ConfigError, match="cannot be read as weights"):
        Inception(shape=(3, 8, 8), weights=str(file))


@pytest.mark.slow  # 24 million weights
def test_the_real_architecture_reads_its_file_and_gives_2048_features_of_grey_and_odd_images(
    state, tmp_path, monkeypatch
):
    file = tmp_path / "made-up.pth"
    torch.save(state, file)
    with_hash_of(file, monkeypatch)
    extractor = Inception(shape=(1, 17, 45), weights=str(file))
    x = ramp(1, 17, 45)
    found = extractor(x)
    levels = (x * 255).round().to(torch.uint8).repeat(1, 3, 1, 1)
    assert found.shape == (1, 2048) and found.std() > 0
    assert torch.equal(found, network(state)(levels)[0])
    assert extractor.sha256 == hashlib.sha256(file.read_bytes()).hexdigest() and extractor.cached


@pytest.mark.slow
def test_the_network_is_the_one_that_torch_fidelity_makes_of_the_same_file(state, tmp_path):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.save(state, tmp_path / "state.pth")
    theirs = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=tmp_path / "state.pth")
    levels = (ramp(3, 30, 20) * 255).to(torch.uint8)
    torch.testing.assert_close(network(state)(levels)[0], theirs(levels)[0], rtol=1e-4, atol=1e-5)


def test_images_of_two_channels_are_refused_before_any_file_is_looked_for(hub):
    with pytest.raises(ConfigError, match="1 or 3 channels, and these have 2"):
        Inception(shape=(2, 8, 8))


# --- which one a dataset gets


@pytest.mark.parametrize(
    ("dataset", "extractor"),
    [
        ("digits", "classifier-digits"),
        ("mnist", "classifier-mnist"),
        ("fashion-mnist", "classifier-fashion-mnist"),
        ("cifar10", "classifier-cifar10"),
        ("synthetic-2d", "identity"),
        ("synthetic-5d", "identity"),
        ("celeba", None),
        ("folder", None),
        ("npz", None),
    ],
)
def test_a_dataset_brings_its_extractor(dataset, extractor):
    assert registry.find("dataset", dataset).defaults.get("extractor") == extractor
    assert registry.default("extractor").name == "random-conv"


def test_an_extractor_that_a_dataset_brings_is_no_section_of_a_run():
    config = resolve(flags={"test": {"dataset": "mnist"}})
    assert config.dataset.name == "mnist" and not hasattr(config, "extractor")


# --- the example of docs/extractors.md


@pytest.mark.slow  # a network of real size
@needs("weights/squeezenet1_1-features.safetensors")
def test_the_extractor_of_the_docs_keeps_the_rules_with_real_weights(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "extractors.md").read_text(encoding="utf-8")
    code = next(block for block in page.split("```python\n") if block.startswith("# squeeze.py"))
    (tmp_path / "squeeze.py").write_text(code.partition("```")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = SHARED / "weights" / "squeezenet1_1-features.safetensors"
    check_component("extractor", "squeeze:Squeeze", weights=str(file))
    sys.modules.pop("squeeze")


@pytest.mark.slow  # Inception, 150 images
def test_a_run_measured_on_inceptions_features_has_the_known_names_and_torch_fidelitys_numbers(
    state, tmp_path, monkeypatch
):
    from aezoo.metrics import fidelity, frechet_distance

    file = tmp_path / "made-up.pth"
    torch.save(state, file)
    with_hash_of(file, monkeypatch)
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "cache"))
    run = trained(tmp_path / "run", settings={"evaluate": {"end": False}})
    options = {"metrics": ["fd", "kd", "knn"], "extractors": ["inception"], "weights": str(file), "n": 24}
    found = aezoo.evaluate(run.path, **options)
    names = {row["metric"] for row in found.rows()}
    assert names == {"fid", "isc", "kid", "precision", "recall", "density[inception]", "coverage[inception]"}
    engines = {row["metric"]: row["engine"] for row in found.rows()}
    assert engines["fid"] == engines["precision"] == fidelity.version()
    assert engines["coverage[inception]"] == "aezoo"
    assert {row["weights_sha256"] for row in found.rows()} == {hashlib.sha256(file.read_bytes()).hexdigest()}
    data, extractor = load_dataset("digits"), Inception(shape=(1, 8, 8), weights=str(file))
    real = extractor(data.x(data.test.values[:24]))
    fake = extractor(data.x(data.train.values[:24]))
    # 24 rows do not fill 2048 dimensions. torch-fidelity adds up square roots of 2000 eigenvalues that are
    # rounding errors instead of 0: a few millionths of the traces, whatever the distance. Where rows fill the
    # space the two agree to a millionth of the distance itself.
    scale = float(fake.var(0).sum() + real.var(0).sum())
    assert fidelity.fid(fake, real) == pytest.approx(frechet_distance(fake, real), abs=5e-6 * scale)
    some = fake.var(0).topk(12).indices
    full = frechet_distance(fake[:, some], real[:, some])
    assert fidelity.fid(fake[:, some], real[:, some]) == pytest.approx(full, rel=1e-6)

    def refuse(self, x):
        raise AssertionError("features are kept, by content")

    monkeypatch.setattr(Inception, "forward", refuse)
    assert aezoo.evaluate(run.path, **options).rows() == found.rows()
