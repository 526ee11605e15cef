"""Inception: where its weights come from, what its features are."""

import hashlib
import math
import shutil

import pytest
import torch

import aezoo
from aezoo.api import ConfigError, MissingError, load_dataset
from aezoo_extractors import inception
from aezoo_extractors.inception import HASH, Inception, architecture, network
from tests.images import ramp
from tests.tiny import trained


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


def test_a_hash_that_only_begins_like_the_right_one_is_refused(hub, monkeypatch):
    hub.parent.mkdir(parents=True)
    hub.write_bytes(b"anything")
    digest = hashlib.sha256(b"anything").hexdigest()
    monkeypatch.setattr(inception, "HASH", digest[:8])
    with pytest.raises(ConfigError, match=f"its sha256 is {digest}"):
        Inception(shape=(1, 28, 28))
    assert len(HASH) == 64


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
    monkeypatch.setattr(inception, "HASH", hashlib.sha256(file.read_bytes()).hexdigest())


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
